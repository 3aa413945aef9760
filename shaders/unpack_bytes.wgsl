// unpack_bytes: bytes (pixels) to float32
//
// Computes   output[r, c] = scale byte[r, c] - subtract for c < cols, and 0 for cols <= c < ld
// Shapes     rows x cols bytes, packed four to a word, little-endian, no row padding; output (rows, ld)
// Bindings   0 packed read        (ceil(rows cols / 4)) words
//            1 output read_write  (rows, ld)
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= rows ld
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      each element on its own; deterministic

struct Params {
  rows: u32,
  cols: u32,
  ld: u32,
  scale: f32,
  subtract: f32,
}

@group(0) @binding(0) var<storage, read> packed: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn unpack_bytes(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let row = at / params.ld;
  let col = at % params.ld;
  if (row >= params.rows) {
    return;
  }
  var value = 0.0;
  if (col < params.cols) {
    let byte = row * params.cols + col;
    value = params.scale * f32((packed[byte / 4u] >> (8u * (byte % 4u))) & 0xffu) - params.subtract;
  }
  output[at] = value;
}
