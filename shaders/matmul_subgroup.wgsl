// matmul_subgroup: product of two k-major matrices by one subgroup a workgroup, one operand spread by broadcast
//
// Computes   output[r, c] = scale (bias[r] + sum_k a[k, r] b[k, c]), plus what output[r, c] held when ACC = 1
// Shapes     k steps, rows r, columns c by quads of 4. Operands are plain (k, rows) and (k, columns), or panels of 32:
//            a[k, r] at a_first + (r / a_width) a_panel + r % a_width + k a_stride, and b[k, quad q] likewise in units of
//            vec4. Workgroups whose columns all lie left of the diagonal c = r + diagonal return at once
// Bindings   0 a      read        the operand spread by broadcast, scalars
//            1 b      read        the operand on the lanes, as vec4
//            2 bias   read        element bias_first + r bias_stride
//            3 output read_write  (rows rounded up to R, quads) as vec4 in rows of output_stride, from output_first on
//            4 params uniform
// Constants  S lanes of a subgroup, exactly; R rows held at once; U steps of k at once; AF = ceil(R / S); ACC 1 to accumulate;
//            HALF 1 for operands stored as halves
// Dispatch   (ceil(quads / S), ceil(rows / R), 1)
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    every subgroup has S lanes
// Order      the bias, then k ascending, in one lane; the scale; what the output held last; deterministic
//
// The inner loop of forward_subgroup, with its output stored: Gram matrices, pre-activations and W + C^T X come from it.
// The stores of rows are unguarded (the output is padded) because guards cost compile time on lavapipe; whether to
// accumulate is a constant, not a parameter, for the same reason. Measured on lavapipe as K of 12700 samples of 784: U 2 35
// GFLOP/s, U 3 44, U 4 42; R 64 U 2 45 at two and a half times the compile time.
enable subgroups;

const S = 8u; // @specialised
const R = 32u; // @specialised
const U = 2u; // @specialised
const AF = 4u; // @specialised
const ACC = 0u; // @specialised
const HALF = 0u; // @specialised

alias Quad = vec4f; // @half vec4h
alias Scalar = f32; // @half f16

struct Params {
  steps: u32,
  rows: u32,
  quads: u32,
  a_first: u32,
  a_width: u32,
  a_panel: u32,
  a_stride: u32,
  b_first: u32,
  b_width: u32,
  b_panel: u32,
  b_stride: u32,
  bias_first: u32,
  bias_stride: u32,
  output_first: u32,
  output_stride: u32,
  diagonal: i32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> a: array<Scalar>;
@group(0) @binding(1) var<storage, read> b: array<Quad>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(S)
fn matmul_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.y * R;
  if (i32((group.x + 1u) * S * 4u) <= i32(first) + params.diagonal) {
    return;
  }
  let quad = group.x * S + lane;
  let inside = min(quad, params.quads - 1u);
  let column = params.b_first + (inside / params.b_width) * params.b_panel + inside % params.b_width;
  var address: array<u32, AF>;
  var start: array<f32, AF>;
  // @unroll
  for (var f = 0u; f < AF; f++) {
    let row = min(first + f * S + lane, params.rows - 1u);
    address[f] = params.a_first + (row / params.a_width) * params.a_panel + row % params.a_width;
    start[f] = bias[params.bias_first + row * params.bias_stride];
  }
  var acc: array<vec4f, R>;
  // @unroll
  for (var r = 0u; r < R; r++) {
    acc[r] = vec4f(subgroupShuffle(start[r / S], r % S));
  }
  let last = params.steps - 1u;
  for (var k0 = 0u; k0 < params.steps; k0 += U) {
    var x: array<vec4f, U>;
    var w: array<f32, U * AF>;
    // @unroll
    for (var u = 0u; u < U; u++) {
      let k = min(k0 + u, last);
      x[u] = select(vec4f(0.0), vec4f(b[column + k * params.b_stride]), k0 + u <= last);
      // @unroll
      for (var f = 0u; f < AF; f++) {
        w[u * AF + f] = f32(a[address[f] + k * params.a_stride]);
      }
    }
    // @unroll
    for (var r = 0u; r < R; r++) {
      var h = acc[r];
      // @unroll
      for (var u = 0u; u < U; u++) {
        h += subgroupShuffle(w[u * AF + r / S], r % S) * x[u];
      }
      acc[r] = h;
    }
  }
  if (quad < params.quads) {
    let corner = params.output_first + first * params.output_stride + quad;
    // @unroll
    for (var r = 0u; r < R; r++) {
      acc[r] = params.scale * acc[r];
    }
    // @unroll
    for (var r = 0u; r < ACC * R; r++) {
      acc[r] += output[corner + r * params.output_stride];
    }
    // @unroll
    for (var r = 0u; r < R; r++) {
      output[corner + r * params.output_stride] = acc[r];
    }
  }
}
