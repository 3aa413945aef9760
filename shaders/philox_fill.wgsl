// philox_fill: counter-based random numbers, Philox 4x32-10
//
// Computes   element e of a stream: word e % 4 of the block with counter (e / 4 low, e / 4 high, stream, 0) under the key
//            (seed low, seed high), turned by KIND into: 0 normal (Box-Muller on word pairs), times scale; 1 uniform in
//            [0, 1), the top 24 bits; 2 sign, -1 or +1 by the lowest bit; 3 the raw 32 bits
// Shapes     rows x cols elements, row-major in the stream, stored with rows of ld; the padding is zero
// Bindings   0 raw    read_write  (rows, ld) float32, or u32 for KIND 3
//            1 params uniform
// Constants  KIND 0..3
// Dispatch   (x, y, 1) with 64 x y >= rows ld
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    the first element is (block_high 2^32 + block_low) 4 + skip, skip 0..3
// Order      each element on its own: the same element is the same number whatever the grid, block or adapter
//
// Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11. The integers are the same on every
// adapter. Normals use our own log, sine and cosine: WGSL allows the built-in ones an error of 2^-11.

override KIND: u32 = 0u;

struct Params {
  rows: u32,
  cols: u32,
  ld: u32,
  block_low: u32,
  block_high: u32,
  skip: u32,
  stream: u32,
  seed_low: u32,
  seed_high: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read_write> raw: array<u32>;
@group(0) @binding(1) var<uniform> params: Params;

// High word of the 64-bit product, by 16-bit halves.
fn multiply_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let low = a0 * b0;
  let middle = a1 * b0 + (low >> 16u);
  let cross = a0 * b1 + (middle & 0xffffu);
  return a1 * b1 + (middle >> 16u) + (cross >> 16u);
}

fn philox(counter: vec4u, key_in: vec2u) -> vec4u {
  var c = counter;
  var key = key_in;
  for (var round = 0u; round < 10u; round++) {
    let high0 = multiply_high(0xd2511f53u, c.x);
    let high1 = multiply_high(0xcd9e8d57u, c.z);
    c = vec4u(high1 ^ c.y ^ key.x, 0xcd9e8d57u * c.z, high0 ^ c.w ^ key.y, 0xd2511f53u * c.x);
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// ln(u) for u in (0, 1]: exponent and mantissa in [sqrt(1/2), sqrt(2)), then 2 atanh, truncated at s^9 (error 1e-9).
fn natural_log(u: f32) -> f32 {
  let bits = bitcast<u32>(u);
  var exponent = i32(bits >> 23u) - 127;
  var mantissa = bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
  if (mantissa > 1.41421356) {
    mantissa *= 0.5;
    exponent += 1;
  }
  let s = (mantissa - 1.0) / (mantissa + 1.0);
  let v = s * s;
  let series = 2.0 * s * (1.0 + v * (1.0 / 3.0 + v * (1.0 / 5.0 + v * (1.0 / 7.0 + v / 9.0))));
  return f32(exponent) * 0.69314718 + series;
}

// (cos, sin) of 2 pi v for v in [0, 1): an exact turn to the nearest quarter, then Taylor on [-pi/4, pi/4].
fn cos_sin_turn(v: f32) -> vec2f {
  let quarter = round(v * 4.0);
  let a = (v - quarter * 0.25) * 6.28318531;
  let q = a * a;
  let s = a * (1.0 + q * (-1.0 / 6.0 + q * (1.0 / 120.0 + q * (-1.0 / 5040.0 + q / 362880.0))));
  let c = 1.0 + q * (-0.5 + q * (1.0 / 24.0 + q * (-1.0 / 720.0 + q / 40320.0)));
  switch (u32(quarter) % 4u) {
    case 0u: { return vec2f(c, s); }
    case 1u: { return vec2f(-s, c); }
    case 2u: { return vec2f(-c, -s); }
    default: { return vec2f(s, -c); }
  }
}

fn unit(word: u32) -> f32 {
  return f32(word >> 8u) * 5.9604644775390625e-8; // 2^-24
}

@compute @workgroup_size(64)
fn philox_fill(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let row = at / params.ld;
  let col = at % params.ld;
  if (row >= params.rows) {
    return;
  }
  if (col >= params.cols) {
    raw[at] = 0u;
    return;
  }
  // 64-bit addition of the element to the first one, in blocks of 4.
  let e = row * params.cols + col + params.skip;
  let low = params.block_low + e / 4u;
  let high = params.block_high + select(0u, 1u, low < params.block_low);
  let words = philox(vec4u(low, high, params.stream, 0u), vec2u(params.seed_low, params.seed_high));
  let part = e % 4u;
  let word = words[part];
  if (KIND == 3u) {
    raw[at] = word;
  } else if (KIND == 2u) {
    raw[at] = bitcast<u32>(select(-1.0, 1.0, (word & 1u) == 1u));
  } else if (KIND == 1u) {
    raw[at] = bitcast<u32>(unit(word));
  } else {
    // Words 0 and 1 make the first two normals, words 2 and 3 the others. The radius takes 1 - u, never the log of 0.
    let pair = words[part & 2u];
    let radius = sqrt(-2.0 * natural_log(1.0 - unit(pair)));
    let direction = cos_sin_turn(unit(words[(part & 2u) + 1u]));
    raw[at] = bitcast<u32>(params.scale * radius * direction[part & 1u]);
  }
}
