// transpose: matrix transpose with padded rows
//
// Computes   output[c, r] = input[r, c] for r < rows, and 0 for rows <= r < output_ld
// Shapes     input (rows, cols) with rows of input_ld; output (cols, rows) with rows of output_ld
// Bindings   0 input  read        (rows, input_ld)
//            1 output read_write  (cols, output_ld)
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with x y >= ceil(output_ld / 64) ceil(cols / 16)
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      a copy; exact
//
// Each invocation walks along 16 columns of its row: what it reads comes from one line of the cache, and what 64 of them write stands
// side by side. A tile in workgroup memory would read in whole lines too, but its barrier made the same copy 50 to 130 times slower on
// SwiftShader, 2 to 9 times on lavapipe (bench/RESULTS.md).

struct Params {
  rows: u32,
  cols: u32,
  input_ld: u32,
  output_ld: u32,
}

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn transpose(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let across = (params.output_ld + 63u) / 64u;
  let at = group.y * groups.x + group.x;
  let row = (at % across) * 64u + lane;
  let first = (at / across) * 16u;
  if (row >= params.output_ld) {
    return;
  }
  let end = min(first + 16u, params.cols);
  let inside = row < params.rows;
  for (var col = first; col < end; col++) {
    var value = 0.0;
    if (inside) {
      value = input[row * params.input_ld + col];
    }
    output[col * params.output_ld + row] = value;
  }
}
