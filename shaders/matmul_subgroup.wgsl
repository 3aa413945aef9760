// matmul_subgroup: product of two k-major matrices by one subgroup a workgroup, one operand spread by broadcast
//
// Computes   output[r, c] = scale (bias[r] + sum_k a[k, r] b[k, c]), plus what output[r, c] held when ACC = 1; when LIVE = 1
//            scale (bias[r] + bias'[c] + sum_k a[k, r] (b[k, c] - g[k])) over the steps k that a's panel has, with the g
//            that stand there; when LIVE = 2 scale (bias[r] + sum_k a[k, r] b[k, c]) over those that b's panel has
// Shapes     k steps, rows r, columns c by quads of 4. a is packed by pack_rows: panels (ceil(rows / R), steps, R / 4) of vec4;
//            by pack_live_subgroup when LIVE = 1, with the heads of the panels behind them.
//            b is plain (k, columns) or panels of 32: quad q of step k at b_first + (q / b_width) b_panel + q % b_width +
//            k b_stride; by pack_live_subgroup in panels of 32 when LIVE = 2. Workgroups whose columns all lie left of the diagonal c = r + diagonal return at once
// Bindings   0 a      read        the operand spread by broadcast, as vec4: a buffer, or texels in rows of 8192
//            1 b      read        the operand on the lanes, as vec4
//            2 bias   read        element bias_first + r bias_stride; bias'[c] is columns_first + c. The element behind that of r
//                                 is the row of the output that r goes to when CHOSEN = 1
//            3 output read_write  (rows, quads) as vec4 in rows of output_stride, from output_first on
//            4 params uniform
// Constants  S lanes of a subgroup, exactly; R rows held at once, a multiple of 4; U steps of k at once; AF = ceil(R / S);
//            AQ = ceil(R / (4 S)); ACC 1 to accumulate; CHOSEN 1 for rows that go where `bias` says; HALF 1 for b stored as halves; IMAGE 1 for a of texels; LIVE 1 for
//            panels of a that have steps of their own, 2 for panels of b that do
// Dispatch   (ceil(quads / S), ceil(rows / R), 1): neighbours share a panel of a
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    every subgroup has S lanes, and S >= U
// Order      the bias (the row's and the column's), then k ascending, in one lane; the scale; what the output held last; deterministic
//
// The inner loop of forward_subgroup, with its output stored: Gram matrices, pre-activations and W + C^T X come from it.
// There is one store in the text: written out, 16 of them took lavapipe 0.15 of 0.39 s to compile. Measured there at n = 12700,
// d = 784: R 32 58 GFLOP/s, R 64 66 for 0.74 s to compile instead of 0.37, R 64 with neighbours that share a panel of a
// instead of one of b 70, U 6 3 % more. Scalars of a from a buffer 49 where texels made 63.
enable subgroups;

const S = 8u; // @specialised
const R = 32u; // @specialised
const U = 2u; // @specialised
const AF = 4u; // @specialised
const AQ = 1u; // @specialised
const ACC = 0u; // @specialised
const HALF = 0u; // @specialised
const IMAGE = 0u; // @specialised
const LIVE = 0u; // @specialised
const CHOSEN = 0u; // @specialised

alias Quad = vec4f; // @half vec4h

struct Params {
  steps: u32,
  rows: u32,
  height: u32,
  quads: u32,
  b_first: u32,
  b_width: u32,
  b_panel: u32,
  b_stride: u32,
  bias_first: u32,
  bias_stride: u32,
  columns_first: u32,
  output_first: u32,
  output_stride: u32,
  diagonal: i32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4f>; // @image @group(0) @binding(0) var a: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var<storage, read> b: array<Quad>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

fn quad_of_a(at: u32) -> vec4f {
  return a[at]; // @image return textureLoad(a, vec2u(at % 8192u, at / 8192u));
}

@compute @workgroup_size(S)
fn matmul_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.y * R;
  if (i32((group.x + 1u) * S * 4u) <= i32(first) + params.diagonal) {
    return;
  }
  let quad = group.x * S + lane;
  let inside = min(quad, params.quads - 1u);
  let column = params.b_first + (inside / params.b_width) * params.b_panel + inside % params.b_width;
  let panel = group.y * params.steps * (R / 4u);
  var start: array<f32, AF>;
  // @unroll
  for (var f = 0u; f < AF; f++) {
    let row = min(first + f * S + lane, params.rows - 1u);
    start[f] = bias[params.bias_first + row * params.bias_stride];
  }
  let head = (params.rows + R - 1u) / R * params.steps * (R / 4u) + group.y * (params.steps + 1u);
  // Likewise of b: its panels have 8 quads, which this workgroup has, or half of them.
  let b_panel = group.x * S / 8u * params.steps * 8u + inside % 8u;
  let b_head = (params.quads + 7u) / 8u * params.steps * 8u + group.x * S / 8u * (params.steps + 1u);
  var steps = params.steps;
  var of_columns = vec4f(0.0);
  if (LIVE == 1u) {
    steps = min(u32(quad_of_a(head).x), params.steps);
    let c = params.columns_first + 4u * inside;
    of_columns = vec4f(bias[c], bias[c + 1u], bias[c + 2u], bias[c + 3u]);
  }
  if (LIVE == 2u) {
    steps = min(u32(b[b_head].x), params.steps);
  }
  var acc: array<vec4f, R>;
  // @unroll
  for (var r = 0u; r < R; r++) {
    acc[r] = subgroupShuffle(start[r / S], r % S) + of_columns;
  }
  let last = max(steps, 1u) - 1u;
  for (var k0 = 0u; k0 < steps; k0 += U) {
    // (k, g[k]) of the next S steps, of which U are used.
    var live = vec4f(0.0);
    if (LIVE == 1u) {
      live = quad_of_a(head + 1u + min(k0 + lane, last));
    }
    if (LIVE == 2u) {
      live = vec4f(b[b_head + 1u + min(k0 + lane, last)]);
    }
    var x: array<vec4f, U>;
    var w: array<vec4f, U * AQ>;
    // @unroll
    for (var u = 0u; u < U; u++) {
      let step = min(k0 + u, last);
      // Where the step lies in a and in b.
      var of_a = step;
      var of_b = column + step * params.b_stride;
      var g = 0.0;
      if (LIVE == 1u) {
        of_b = column + u32(subgroupShuffle(live.x, u)) * params.b_stride;
        g = subgroupShuffle(live.y, u);
      }
      if (LIVE == 2u) {
        of_a = u32(subgroupShuffle(live.x, u));
        of_b = b_panel + step * 8u;
      }
      x[u] = select(vec4f(0.0), vec4f(b[of_b]) - g, k0 + u <= last);
      // @unroll
      for (var f = 0u; f < AQ; f++) {
        w[u * AQ + f] = quad_of_a(panel + of_a * (R / 4u) + min(f * S + lane, R / 4u - 1u));
      }
    }
    // @unroll
    for (var r = 0u; r < R; r++) {
      var h = acc[r];
      // @unroll
      for (var u = 0u; u < U; u++) {
        h += subgroupShuffle(w[u * AQ + r / 4u / S][r % 4u], r / 4u % S) * x[u];
      }
      acc[r] = h;
    }
  }
  if (quad < params.quads) {
    let corner = params.output_first + quad;
    // A loop to a parameter, which is R, or the driver would write it out; from a copy so that acc itself stays in registers.
    // @unroll
    for (var r = 0u; r < R; r++) {
      acc[r] *= params.scale;
    }
    var kept = acc;
    for (var r = 0u; r < min(params.height, params.rows - first); r++) {
      var row = first + r;
      if (CHOSEN == 1u) {
        row = u32(bias[params.bias_first + row * params.bias_stride + 1u]);
      }
      let at = corner + row * params.output_stride;
      if (ACC == 1u) {
        kept[r] += output[at];
      }
      output[at] = kept[r];
    }
  }
}
