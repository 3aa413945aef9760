// transpose: matrix transpose with padded rows
//
// Computes   output[c, r] = input[r, c] for r < rows, and 0 for rows <= r < output_ld
// Shapes     input (rows, cols) with rows of input_ld; output (cols, rows) with rows of output_ld
// Bindings   0 input  read        (rows, input_ld)
//            1 output read_write  (cols, output_ld)
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with x y >= ceil(output_ld / 16) ceil(cols / 16)
// Workgroup  (16, 16); 1088 bytes of workgroup memory: one tile with padded rows
// Assumes    nothing
// Order      a copy; exact

struct Params {
  rows: u32,
  cols: u32,
  input_ld: u32,
  output_ld: u32,
}

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> tile: array<array<f32, 17>, 16>;

@compute @workgroup_size(16, 16)
fn transpose(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let across = (params.output_ld + 15u) / 16u;
  let at = group.y * groups.x + group.x;
  let row0 = (at % across) * 16u;
  let col0 = (at / across) * 16u;
  var value = 0.0;
  if (row0 + local.y < params.rows && col0 + local.x < params.cols) {
    value = input[(row0 + local.y) * params.input_ld + col0 + local.x];
  }
  tile[local.y][local.x] = value;
  workgroupBarrier();
  if (col0 + local.y < params.cols && row0 + local.x < params.output_ld) {
    output[(col0 + local.y) * params.output_ld + row0 + local.x] = tile[local.x][local.y];
  }
}
