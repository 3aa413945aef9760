// matmul_matrix: product of two k-major matrices of halves by the matrix units of a GPU, sums in float32
//
// Computes   output[r, c] = scale (bias[r] + sum_k a[k, r] b[k, c]), plus what output[r, c] held when ACC = 1
// Shapes     k steps, rows r, columns c by quads of 4. Operands as those of matmul_tiled, both in units of vec4: a[k, quad q]
//            at a_first + (q / a_width) a_panel + q % a_width + k a_stride, and b likewise. Workgroups whose columns all lie
//            left of the diagonal c = r + diagonal return at once
// Bindings   0 a      read        four halves
//            1 b      read        four halves
//            2 bias   read        element bias_first + r bias_stride
//            3 output read_write  (rows, quads) as vec4 in rows of output_stride, from output_first on
//            4 params uniform
// Constants  ACC 1 to accumulate
// Dispatch   (ceil(quads / 32), ceil(rows / 128), 1)
// Workgroup  (128); 22 KiB of workgroup memory: operand tiles of 32 x 136 halves, four tables of 16 x 16 for the epilogue
// Assumes    subgroups of 32 consecutive invocations; 16 x 16 x 16 products of halves into float32 among the device's
// Order      the hardware's within 16 steps of k, blocks of 16 ascending, the bias last; deterministic on a device
//
// A workgroup makes 128 x 128 entries, each of its four subgroups 64 x 64 in 4 x 4 fragments, which nobody can look into: so
// the epilogue passes through workgroup memory, a fragment at a time. Rows of the tiles are 8 halves longer than they are
// used, for the banks, and whole multiples of 8, as loads of fragments want. The next tile is on its way into registers
// while one is multiplied. Everything a fragment is loaded from is in bounds: out of them some drivers read from the start.
// UNTESTED: no adapter with matrix units was at hand when it was written.
enable f16;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

const ACC = 0u; // @specialised

const STEP = 32u;
const ROW = 136u;

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

@group(0) @binding(0) var<storage, read> a: array<vec4h>;
@group(0) @binding(1) var<storage, read> b: array<vec4h>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> a_tile: array<f16, 4352>; // (STEP, ROW)
var<workgroup> b_tile: array<f16, 4352>; // (STEP, ROW)
var<workgroup> sums: array<f32, 1280>; // (4 subgroups, 16, 20)

@compute @workgroup_size(128)
fn matmul_matrix(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) at: u32) {
  let top = group.y * 128u;
  if (i32((group.x + 1u) * 128u) <= i32(top) + params.diagonal) {
    return;
  }
  let lane = at % 32u;
  let subgroup = at / 32u;
  // Operand tiles are loaded as (step, quad): an invocation brings quad at % 32 of the steps at / 32, at / 32 + 4, ...
  let row = min(top / 4u + lane, (params.rows + 3u) / 4u - 1u);
  let a_column = params.a_first + (row / params.a_width) * params.a_panel + row % params.a_width;
  let quad = min(group.x * 32u + lane, params.quads - 1u);
  let b_column = params.b_first + (quad / params.b_width) * params.b_panel + quad % params.b_width;
  let high = (subgroup / 2u) * 64u;
  let wide = (subgroup % 2u) * 64u;

  var acc: array<subgroup_matrix_result<f32, 16, 16>, 16>;
  var left: array<vec4h, 8>;
  var right: array<vec4h, 8>;
  for (var k0 = 0u; k0 < params.steps + STEP; k0 += STEP) {
    // The tile before this one, which is in registers, goes to workgroup memory; then this one is asked for.
    if (k0 > 0u) {
      // @unroll
      for (var s = 0u; s < 8u; s++) {
        let place = (s * 4u + subgroup) * ROW + lane * 4u;
        // @unroll
        for (var c = 0u; c < 4u; c++) {
          a_tile[place + c] = left[s][c];
          b_tile[place + c] = right[s][c];
        }
      }
    }
    workgroupBarrier();
    // @unroll
    for (var s = 0u; s < 8u; s++) {
      let k = k0 + s * 4u + subgroup;
      left[s] = vec4h();
      right[s] = vec4h();
      if (k < params.steps) {
        left[s] = a[a_column + k * params.a_stride];
        right[s] = b[b_column + k * params.b_stride];
      }
    }
    if (k0 > 0u) {
      // @unroll
      for (var step = 0u; step < 2u; step++) {
        var columns: array<subgroup_matrix_right<f16, 16, 16>, 4>;
        // @unroll
        for (var j = 0u; j < 4u; j++) {
          columns[j] = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, row_major>(&b_tile, step * 16u * ROW + wide + j * 16u, ROW);
        }
        // @unroll
        for (var i = 0u; i < 4u; i++) {
          let rows = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, col_major>(&a_tile, step * 16u * ROW + high + i * 16u, ROW);
          // @unroll
          for (var j = 0u; j < 4u; j++) {
            acc[i * 4u + j] = subgroupMatrixMultiplyAccumulate(rows, columns[j], acc[i * 4u + j]);
          }
        }
      }
    }
    workgroupBarrier();
  }

  // @unroll
  for (var f = 0u; f < 16u; f++) {
    subgroupMatrixStore<row_major>(&sums, subgroup * 320u, acc[f], 20u);
    workgroupBarrier();
    // A fragment has 64 quads of columns, a subgroup 32 lanes.
    // @unroll
    for (var part = 0u; part < 2u; part++) {
      let inside = part * 8u + lane / 4u;
      let r = top + high + (f / 4u) * 16u + inside;
      let q = group.x * 32u + (wide + (f % 4u) * 16u) / 4u + lane % 4u;
      if (r < params.rows && q < params.quads) {
        let entry = subgroup * 320u + inside * 20u + (lane % 4u) * 4u;
        let start = bias[params.bias_first + r * params.bias_stride];
        var value = params.scale * (vec4f(start) + vec4f(sums[entry], sums[entry + 1u], sums[entry + 2u], sums[entry + 3u]));
        let place = params.output_first + r * params.output_stride + q;
        // @unroll
        for (var once = 0u; once < ACC; once++) {
          value += output[place];
        }
        output[place] = value;
      }
    }
    workgroupBarrier();
  }
}
