// halve: float32 into halves, counting what does not fit and noting what is left of it
//
// Computes   output[e] = input[e] rounded to a half; beyond the largest half, 65504, that with its sign, and counted
// Shapes     count elements, by quads of 4; past the last one a quad is filled with zeros
// Bindings   0 input    read        (count)
//            1 output   read_write  (ceil(count / 4)) as four halves
//            2 overflow read_write  (2) how many did not fit, infinities and NaN (which becomes 0) among them; and marks:
//                                   1 for a value of at least 2^-14, the smallest normal half, 2 for one nearer to 0
//            3 params   uniform
// Constants  none
// Dispatch   (x, y, 1) with 256 x y >= count
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      each element on its own, the count and the marks in integers; deterministic
//
// A half holds 11 bits: what fits is off by at most 2^-11 of itself, or 2^-25 below 2^-14.
enable f16;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4h>;
@group(0) @binding(2) var<storage, read_write> overflow: array<atomic<u32>>;
@group(0) @binding(3) var<uniform> params: Params;

const LARGEST = 65504.0;
const INFINITY_BITS = 0x7f800000u;
const SMALLEST = 0x1p-14;

@compute @workgroup_size(64)
fn halve(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let quad = (group.y * groups.x + group.x) * 64u + lane;
  if (quad >= (params.count + 3u) / 4u) {
    return;
  }
  var values = vec4f(0.0);
  var lost = 0u;
  var marks = 0u;
  for (var c = 0u; c < 4u; c++) {
    let at = quad * 4u + c;
    if (at < params.count) {
      let value = input[at];
      // By its bits: a comparison with NaN may be optimised to anything.
      let size = bitcast<u32>(value) & 0x7fffffffu;
      if (size > bitcast<u32>(LARGEST)) {
        lost++;
      }
      if (size >= bitcast<u32>(SMALLEST)) {
        marks |= 1u;
      } else if (size > 0u) {
        marks |= 2u;
      }
      values[c] = select(clamp(value, -LARGEST, LARGEST), 0.0, size > INFINITY_BITS);
    }
  }
  output[quad] = vec4h(values);
  if (lost > 0u) {
    atomicAdd(&overflow[0], lost);
  }
  // Nearly always there already: a load costs less than the exchange.
  if ((marks & ~atomicLoad(&overflow[1])) > 0u) {
    atomicOr(&overflow[1], marks);
  }
}
