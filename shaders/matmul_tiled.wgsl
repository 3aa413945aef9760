// matmul_tiled: product of two k-major matrices by tiles in workgroup memory (for GPUs, and adapters without fixed subgroups)
//
// Computes   output[r, c] = scale (bias[r] + sum_k a[k, r] b[k, c]), plus what output[r, c] held when ACC = 1
// Shapes     k steps, rows r, columns c by quads of 4. Operands are plain (k, rows) and (k, columns), or panels of 32:
//            a[k, r] at a_first + (r / a_width) a_panel + r % a_width + k a_stride, and b[k, quad q] likewise in units of
//            vec4. Workgroups whose columns all lie left of the diagonal c = r + diagonal return at once
// Bindings   0 a      read        scalars
//            1 b      read        as vec4
//            2 bias   read        element bias_first + r bias_stride
//            3 output read_write  (rows, quads) as vec4 in rows of output_stride, from output_first on
//            4 params uniform
// Constants  ACC 1 to accumulate
// Dispatch   (ceil(quads / 16), ceil(rows / 64), 1)
// Workgroup  (256); 8 KiB of workgroup memory: two 16 x 64 operand tiles
// Assumes    nothing
// Order      the bias, then k ascending, in one invocation; the scale; what the output held last; deterministic
//
// A workgroup makes 64 x 64 entries, an invocation 4 x 4. The contract is that of matmul_subgroup.

const TILE = 64u;
const STEP = 16u;
const ACC = 0u; // @specialised

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

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> a_tile: array<vec4f, 256>; // (STEP, TILE / 4)
var<workgroup> b_tile: array<vec4f, 256>; // (STEP, TILE / 4)

@compute @workgroup_size(256)
fn matmul_tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) at: u32) {
  if (i32((group.x + 1u) * TILE) <= i32(group.y * TILE) + params.diagonal) {
    return;
  }
  let across = at % 16u;
  let down = at / 16u;
  let quad = group.x * 16u + across;
  let first = group.y * TILE + down * 4u;
  // Both operand tiles are loaded as (step, quad): invocation `at` brings quad at % 16 of step at / 16. What lies past the
  // rows and columns only makes entries that are not stored.
  let inside = min(quad, params.quads - 1u);
  let column = params.b_first + (inside / params.b_width) * params.b_panel + inside % params.b_width;
  var address: vec4u;
  var acc: array<vec4f, 4>;
  // @unroll
  for (var r = 0u; r < 4u; r++) {
    let row = min(group.y * TILE + across * 4u + r, params.rows - 1u);
    address[r] = params.a_first + (row / params.a_width) * params.a_panel + row % params.a_width;
    acc[r] = vec4f(bias[params.bias_first + min(first + r, params.rows - 1u) * params.bias_stride]);
  }

  for (var k0 = 0u; k0 < params.steps; k0 += STEP) {
    let k = k0 + down;
    var left = vec4f(0.0);
    var right = vec4f(0.0);
    if (k < params.steps) {
      let along = address + vec4u(k * params.a_stride);
      left = vec4f(a[along.x], a[along.y], a[along.z], a[along.w]);
      right = b[column + k * params.b_stride];
    }
    a_tile[at] = left;
    b_tile[at] = right;
    workgroupBarrier();
    for (var step = 0u; step < STEP; step++) {
      let w = a_tile[step * 16u + down];
      let x = b_tile[step * 16u + across];
      acc[0] += w.x * x;
      acc[1] += w.y * x;
      acc[2] += w.z * x;
      acc[3] += w.w * x;
    }
    workgroupBarrier();
  }

  // @unroll
  for (var r = 0u; r < 4u; r++) {
    if (first + r < params.rows && quad < params.quads) {
      let place = params.output_first + (first + r) * params.output_stride + quad;
      var value = params.scale * acc[r];
      // @unroll
      for (var once = 0u; once < ACC; once++) {
        value += output[place];
      }
      output[place] = value;
    }
  }
}
