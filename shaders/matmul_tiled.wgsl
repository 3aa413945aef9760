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
// Constants  RA row quads an invocation, 1 or 2; RB column quads; ACC 1 to accumulate; HALF 1 for operands stored as halves
// Dispatch   (ceil(quads / (16 RB)), ceil(rows / (64 RA)), 1)
// Workgroup  (256); 8 KiB of workgroup memory: operand tiles of 16 x 64 RA and 16 x 64 RB
// Assumes    nothing
// Order      the bias, then k ascending, in one invocation; the scale; what the output held last; deterministic
//
// A workgroup makes 64 RA x 64 RB entries, an invocation 4 RA x 4 RB of them in RA x RB squares 64 apart: neighbours then
// read neighbouring quads of a tile, so no bank of workgroup memory is asked twice and rows need no padding. While a tile
// is multiplied the next one is on its way into registers. Rows and columns past the end read the last one again, whose
// address was made before the loop, so the loop has one guard, that of k, for 64 RA RB multiply-adds times 16. At RA = RB = 2 a step reads 4
// vec4 for 64 multiply-adds. The contract is that of matmul_subgroup.

const RA = 1u; // @specialised
const RB = 1u; // @specialised
const ACC = 0u; // @specialised
const HALF = 0u; // @specialised

alias Quad = vec4f; // @half vec4h
alias Scalar = f32; // @half f16

const STEP = 16u;

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

var<workgroup> a_tile: array<Quad, 256 * RA>; // (STEP, 16 RA)
var<workgroup> b_tile: array<Quad, 256 * RB>; // (STEP, 16 RB)

@compute @workgroup_size(256)
fn matmul_tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) at: u32) {
  let top = group.y * 64u * RA;
  if (i32((group.x + 1u) * 64u * RB) <= i32(top) + params.diagonal) {
    return;
  }
  let across = at % 16u;
  let down = at / 16u;
  // Both operand tiles are loaded as (step, quad): invocation `at` brings quads at % 16, at % 16 + 16 of step at / 16.
  // What lies past the rows and columns only makes entries that are not stored.
  var address: array<vec4u, RA>;
  var column: array<u32, RB>;
  var acc: array<vec4f, 4 * RA * RB>;
  // @unroll
  for (var i = 0u; i < RA; i++) {
    // @unroll
    for (var r = 0u; r < 4u; r++) {
      let row = min(top + (i * 16u + across) * 4u + r, params.rows - 1u);
      address[i][r] = params.a_first + (row / params.a_width) * params.a_panel + row % params.a_width;
      let start = bias[params.bias_first + min(top + (i * 16u + down) * 4u + r, params.rows - 1u) * params.bias_stride];
      // @unroll
      for (var j = 0u; j < RB; j++) {
        acc[(i * 4u + r) * RB + j] = vec4f(start);
      }
    }
  }
  // @unroll
  for (var j = 0u; j < RB; j++) {
    let inside = min((group.x * RB + j) * 16u + across, params.quads - 1u);
    column[j] = params.b_first + (inside / params.b_width) * params.b_panel + inside % params.b_width;
  }

  var left: array<Quad, RA>;
  var right: array<Quad, RB>;
  for (var k0 = 0u; k0 < params.steps + STEP; k0 += STEP) {
    // The tile before this one, which is in registers, goes to workgroup memory; then this one is asked for.
    if (k0 > 0u) {
      // @unroll
      for (var i = 0u; i < RA; i++) {
        a_tile[(down * RA + i) * 16u + across] = left[i];
      }
      // @unroll
      for (var j = 0u; j < RB; j++) {
        b_tile[(down * RB + j) * 16u + across] = right[j];
      }
    }
    workgroupBarrier();
    let k = k0 + down;
    if (k < params.steps) {
      // @unroll
      for (var i = 0u; i < RA; i++) {
        let along = address[i] + vec4u(k * params.a_stride);
        left[i] = Quad(a[along.x], a[along.y], a[along.z], a[along.w]);
      }
      // @unroll
      for (var j = 0u; j < RB; j++) {
        right[j] = b[column[j] + k * params.b_stride];
      }
    } else {
      // @unroll
      for (var i = 0u; i < RA; i++) {
        left[i] = Quad();
      }
      // @unroll
      for (var j = 0u; j < RB; j++) {
        right[j] = Quad();
      }
    }
    if (k0 > 0u) {
      for (var step = 0u; step < STEP; step++) {
        var x: array<vec4f, RB>;
        // @unroll
        for (var j = 0u; j < RB; j++) {
          x[j] = vec4f(b_tile[(step * RB + j) * 16u + across]);
        }
        // @unroll
        for (var i = 0u; i < RA; i++) {
          let w = vec4f(a_tile[(step * RA + i) * 16u + down]);
          // @unroll
          for (var r = 0u; r < 4u; r++) {
            // @unroll
            for (var j = 0u; j < RB; j++) {
              acc[(i * 4u + r) * RB + j] += w[r] * x[j];
            }
          }
        }
      }
    }
    workgroupBarrier();
  }

  // @unroll
  for (var i = 0u; i < RA; i++) {
    // @unroll
    for (var r = 0u; r < 4u; r++) {
      let row = top + (i * 16u + down) * 4u + r;
      // @unroll
      for (var j = 0u; j < RB; j++) {
        let quad = (group.x * RB + j) * 16u + across;
        if (row < params.rows && quad < params.quads) {
          let place = params.output_first + row * params.output_stride + quad;
          var value = params.scale * acc[(i * 4u + r) * RB + j];
          // @unroll
          for (var once = 0u; once < ACC; once++) {
            value += output[place];
          }
          output[place] = value;
        }
      }
    }
  }
}
