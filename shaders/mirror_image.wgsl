// mirror_image: rows of a symmetric matrix left of what is computed, from the columns of the rows above, which lie in an image
//
// Computes   rows[r, c] = matrix[c, 4 start + r] for r < 4 height and c < 4 start
// Shapes     height and start in quads; rows of stride quads
// Bindings   0 matrix read        (at least 4 start rows) as vec4: a buffer in rows of stride, or texels (quad, row)
//            1 rows   read_write  (4 height, stride) as vec4
//            2 params uniform
// Constants  IMAGE 1 for a matrix of texels
// Dispatch   (ceil(start / 8), ceil(height / 8), 1)
// Workgroup  (8, 8); no workgroup memory, no barrier
// Assumes    nothing
// Order      a copy; exact
//
// As mirror_across, of texels. They are read here and written by a copy, for lavapipe stores a texel in 100 ns.

const IMAGE = 0u; // @specialised

struct Params {
  start: u32,
  height: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> matrix: array<vec4f>; // @image @group(0) @binding(0) var matrix: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var<storage, read_write> rows: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

fn quad_of_matrix(row: u32, quad: u32) -> vec4f {
  return matrix[row * params.stride + quad]; // @image return textureLoad(matrix, vec2u(quad, row));
}

@compute @workgroup_size(8, 8)
fn mirror_image(@builtin(global_invocation_id) at: vec3u) {
  let c = at.x;
  let r = at.y;
  if (r >= params.height || c >= params.start) {
    return;
  }
  let turned = transpose(mat4x4f(
    quad_of_matrix(4u * c, params.start + r),
    quad_of_matrix(4u * c + 1u, params.start + r),
    quad_of_matrix(4u * c + 2u, params.start + r),
    quad_of_matrix(4u * c + 3u, params.start + r),
  ));
  let place = r * 4u * params.stride + c;
  rows[place] = turned[0];
  rows[place + params.stride] = turned[1];
  rows[place + 2u * params.stride] = turned[2];
  rows[place + 3u * params.stride] = turned[3];
}
