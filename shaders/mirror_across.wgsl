// mirror_across: one row piece of a symmetric matrix from the columns of an earlier one
//
// Computes   destination[r, source_start + c] = source[c, destination_start + r] for the source's rows c and the
//            destination's rows r: both are rows of one matrix, each from its start on
// Shapes     source_rows and destination_rows, multiples of 4; rows of ld, and the two starts, in vec4
// Bindings   0 source      read        (source_rows, ld) as vec4
//            1 destination read_write  (destination_rows, ld) as vec4
//            2 params      uniform
// Constants  none
// Dispatch   (ceil(destination_rows / 32), ceil(source_rows / 32), 1)
// Workgroup  (8, 8); no workgroup memory, no barrier
// Assumes    nothing
// Order      a copy; exact
//
// An invocation turns a block of 4 x 4 in registers, a workgroup one of 32 x 32: neighbours read along the source's rows
// and write along the destination's, 128 bytes of each, and CPU adapters meet no barrier.

struct Params {
  source_rows: u32,
  destination_rows: u32,
  source_start: u32,
  destination_start: u32,
  ld: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> destination: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(8, 8)
fn mirror_across(@builtin(global_invocation_id) at: vec3u) {
  let r = at.x;
  let c = at.y;
  if (r * 4u >= params.destination_rows || c * 4u >= params.source_rows) {
    return;
  }
  let corner = c * 4u * params.ld + params.destination_start + r;
  let turned = transpose(mat4x4f(
    source[corner],
    source[corner + params.ld],
    source[corner + 2u * params.ld],
    source[corner + 3u * params.ld],
  ));
  let place = r * 4u * params.ld + params.source_start + c;
  destination[place] = turned[0];
  destination[place + params.ld] = turned[1];
  destination[place + 2u * params.ld] = turned[2];
  destination[place + 3u * params.ld] = turned[3];
}
