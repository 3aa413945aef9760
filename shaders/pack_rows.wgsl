// pack_rows: rows of an operand in panels whose quads one load takes, for kernels that spread them by broadcast
//
// Computes   output[p, out_step + k, q] = (input[k, p R + 4 q + c], c = 0..3), 0 where 4 q + c >= R or past the last row
// Shapes     steps k, rows r, where input[k, r] is the element first + (r / width) panel + r % width + k stride;
//            output (ceil(rows / R), out_steps, Q) as vec4, R = height, Q = ceil(R / 4)
// Bindings   0 input  read        scalars
//            1 output read_write  as vec4: a buffer, or texels in rows of 8192
//            2 params uniform
// Constants  HALF 1 for an input stored as halves; IMAGE 1 for an output of texels
// Dispatch   (x, y, 1) with 64 x y >= ceil(rows / R) steps Q
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      a copy; exact, deterministic

const HALF = 0u; // @specialised
const IMAGE = 0u; // @specialised

alias Scalar = f32; // @half f16

struct Params {
  steps: u32,
  rows: u32,
  height: u32,
  first: u32,
  width: u32,
  panel: u32,
  stride: u32,
  out_steps: u32,
  out_step: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Scalar>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>; // @image @group(0) @binding(1) var output: texture_storage_2d<rgba32float, write>;
@group(0) @binding(2) var<uniform> params: Params;

fn store(at: u32, quad: vec4f) {
  output[at] = quad; // @image textureStore(output, vec2u(at % 8192u, at / 8192u), quad);
}

@compute @workgroup_size(64)
fn pack_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let R = params.height;
  let Q = (R + 3u) / 4u;
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let q = at % Q;
  let k = (at / Q) % params.steps;
  let p = at / Q / params.steps;
  if (p * R >= params.rows) {
    return;
  }
  var quad = vec4f(0.0);
  for (var c = 0u; c < 4u; c++) {
    let row = p * R + q * 4u + c;
    if (q * 4u + c < R && row < params.rows) {
      quad[c] = f32(input[params.first + (row / params.width) * params.panel + row % params.width + k * params.stride]);
    }
  }
  store((p * params.out_steps + params.out_step + k) * Q + q, quad);
}
