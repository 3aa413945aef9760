// weight_gradient_tiled: masked sums over the samples by tiles in workgroup memory (for GPUs)
//
// Computes   gradient[c, j] = sum_{i: bit j of sample i} s[i] x[i, c] and total[c] = sum_i s[i] x[i, c], where x[i, d] = 1
//            (the bias). momentum_update makes dW = a[j] ((1 - slope) gradient + slope total) of them.
// Shapes     n samples of the block, d inputs, m width, G = 32 neurons a mask word, words = ceil(m / 32),
//            quads = ceil((d + 1) / 4) columns by fours, rounded up to tiles of 16
// Bindings   0 x        read        (n, ceil(d / 4)) inputs as vec4, rows padded with zeros
//            1 mask     read        (words, n) derivative bits
//            2 residual read        (all samples) s = dloss/df; the block begins at params.start
//            3 gradient read_write  (parts, quads / 16, words, 32, 16) as vec4: columns 4 q .. 4 q + 3 of q = tile 16 + lane
//            4 total    read_write  (parts, quads) as vec4
//            5 params   uniform
// Constants  none
// Dispatch   (quads / 16, ceil(words / 2), splits)
// Workgroup  (256); 8 KiB of workgroup memory: two 16 x 64 operand tiles
// Assumes    nothing
// Order      split z takes samples [z step, (z + 1) step) and writes part params.part + z; i ascending; deterministic
//
// A workgroup makes 64 neurons x 64 columns, an invocation 4 x 4. Bits become numbers when a tile is loaded, once for 16
// uses each.

const STEP = 16u;

struct Params {
  n: u32,
  d: u32,
  start: u32,
  words: u32,
  part: u32,
  step: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> total: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> x_tile: array<vec4f, 256>; // (STEP samples, 16 column quads)
var<workgroup> bit_tile: array<vec4f, 256>; // (STEP samples, 16 neuron quads)

@compute @workgroup_size(256)
fn weight_gradient_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) at: u32,
) {
  let n = params.n;
  let ld = (params.d + 3u) / 4u;
  let lane = at % 16u;
  let row = at / 16u;
  let quad = group.x * 16u + lane;
  let bias = vec4u(0u, 1u, 2u, 3u) + quad * 4u == vec4u(params.d);
  let load_word = group.y * 2u + lane / 8u;
  let begin = group.z * params.step;
  let end = min(n, begin + params.step);

  var acc: array<vec4f, 4>;
  var sum = vec4f(0.0);
  for (var i0 = begin; i0 < end; i0 += STEP) {
    let i = i0 + row;
    var value = vec4f(0.0);
    var bits = vec4u(0u);
    if (i < end) {
      if (quad < ld) {
        value = x[i * ld + quad];
      }
      value = residual[params.start + i] * select(value, vec4f(1.0), bias);
      if (load_word < params.words) {
        bits = (vec4u(mask[load_word * n + i] >> (4u * (lane % 8u))) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u);
      }
    }
    x_tile[at] = value;
    bit_tile[at] = vec4f(bits);
    workgroupBarrier();
    for (var step = 0u; step < STEP; step++) {
      let b = x_tile[step * 16u + lane];
      let on = bit_tile[step * 16u + row];
      acc[0] += on.x * b;
      acc[1] += on.y * b;
      acc[2] += on.z * b;
      acc[3] += on.w * b;
      sum += b;
    }
    workgroupBarrier();
  }

  let part = params.part + group.z;
  let word = group.y * 2u + row / 8u;
  if (word < params.words) {
    let slot = (((part * groups.x + group.x) * params.words + word) * 32u + (row % 8u) * 4u) * 16u + lane;
    // @unroll
    for (var r = 0u; r < 4u; r++) {
      gradient[slot + r * 16u] = acc[r];
    }
  }
  if (group.y == 0u && row == 0u) {
    total[part * groups.x * 16u + quad] = sum;
  }
}
