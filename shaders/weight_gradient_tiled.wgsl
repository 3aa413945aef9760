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
// Constants  RW neuron quads an invocation, 1 or 2; RC column quads; HALF 1 for inputs stored as halves
// Dispatch   (ceil(quads / (16 RC)), ceil(words / (2 RW)), splits)
// Workgroup  (256); 8 KiB of workgroup memory: operand tiles of 16 x 64 RW and 16 x 64 RC
// Assumes    nothing
// Order      split z takes samples [z step, (z + 1) step) and writes part params.part + z; i ascending; deterministic
//
// A workgroup makes 64 RW neurons x 64 RC columns, an invocation 4 RW x 4 RC in squares 64 apart. Bits become numbers when a
// tile is loaded, once for 16 uses each; the next tile is on its way into registers while one is multiplied.

const RW = 1u; // @specialised
const RC = 1u; // @specialised
const HALF = 0u; // @specialised

alias Quad = vec4f; // @half vec4h

const STEP = 16u;

struct Params {
  n: u32,
  d: u32,
  start: u32,
  words: u32,
  tiles: u32,
  part: u32,
  step: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> total: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> bit_tile: array<vec4f, 256 * RW>; // (STEP samples, 16 RW neuron quads)
var<workgroup> x_tile: array<vec4f, 256 * RC>; // (STEP samples, 16 RC column quads)

@compute @workgroup_size(256)
fn weight_gradient_tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) at: u32) {
  let n = params.n;
  let ld = (params.d + 3u) / 4u;
  let across = at % 16u;
  let down = at / 16u;
  let begin = group.z * params.step;
  let end = min(n, begin + params.step);

  var acc: array<vec4f, 4 * RW * RC>;
  var sum: array<vec4f, RC>;
  var bits: array<u32, RW>;
  var value: array<vec4f, RC>;
  for (var i0 = begin; i0 < end + STEP; i0 += STEP) {
    // The samples before these, which are in registers, go to workgroup memory; then these are asked for.
    if (i0 > begin) {
      // @unroll
      for (var i = 0u; i < RW; i++) {
        let four = (vec4u(bits[i] >> (4u * (across % 8u))) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u);
        bit_tile[(down * RW + i) * 16u + across] = vec4f(four);
      }
      // @unroll
      for (var j = 0u; j < RC; j++) {
        x_tile[(down * RC + j) * 16u + across] = value[j];
      }
    }
    workgroupBarrier();
    let sample = i0 + down;
    // @unroll
    for (var i = 0u; i < RW; i++) {
      let word = (group.y * RW + i) * 2u + across / 8u;
      bits[i] = 0u;
      if (sample < end && word < params.words) {
        bits[i] = mask[word * n + sample];
      }
    }
    // @unroll
    for (var j = 0u; j < RC; j++) {
      let quad = (group.x * RC + j) * 16u + across;
      value[j] = vec4f(0.0);
      if (sample < end) {
        if (quad < ld) {
          value[j] = vec4f(x[sample * ld + quad]);
        }
        let bias = vec4u(0u, 1u, 2u, 3u) + quad * 4u == vec4u(params.d);
        value[j] = residual[params.start + sample] * select(value[j], vec4f(1.0), bias);
      }
    }
    if (i0 > begin) {
      for (var step = 0u; step < STEP; step++) {
        var b: array<vec4f, RC>;
        // @unroll
        for (var j = 0u; j < RC; j++) {
          b[j] = x_tile[(step * RC + j) * 16u + across];
          sum[j] += b[j];
        }
        // @unroll
        for (var i = 0u; i < RW; i++) {
          let on = bit_tile[(step * RW + i) * 16u + down];
          // @unroll
          for (var r = 0u; r < 4u; r++) {
            // @unroll
            for (var j = 0u; j < RC; j++) {
              acc[(i * 4u + r) * RC + j] += on[r] * b[j];
            }
          }
        }
      }
    }
    workgroupBarrier();
  }

  let part = params.part + group.z;
  // @unroll
  for (var j = 0u; j < RC; j++) {
    let tile = group.x * RC + j;
    if (tile < params.tiles) {
      // @unroll
      for (var i = 0u; i < RW; i++) {
        let word = (group.y * RW + i) * 2u + down / 8u;
        if (word < params.words) {
          let slot = (((part * params.tiles + tile) * params.words + word) * 32u + (down % 8u) * 4u) * 16u + across;
          // @unroll
          for (var r = 0u; r < 4u; r++) {
            gradient[slot + r * 16u] = acc[(i * 4u + r) * RC + j];
          }
        }
      }
      if (group.y == 0u && down == 0u) {
        total[(part * params.tiles + tile) * 16u + across] = sum[j];
      }
    }
  }
}
