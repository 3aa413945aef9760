// mirror_within: the lower half of a symmetric square from its upper one, in place
//
// Computes   matrix[r, start + c] = matrix[c, start + r] for c < r < rows; the diagonal and what lies above it stay
// Shapes     rows, a multiple of 4; rows of ld, and start, the square's first column, in vec4
// Bindings   0 matrix read_write  (rows, ld) as vec4
//            1 params uniform
// Constants  none
// Dispatch   (ceil(rows / 32), ceil(rows / 32), 1)
// Workgroup  (8, 8); no workgroup memory, no barrier
// Assumes    nothing
// Order      a copy; exact
//
// As mirror_across, which needs two buffers: WebGPU binds none twice when one of the bindings is written. Blocks above the
// diagonal are only read, those below only written, and one on the diagonal belongs to one invocation.

struct Params {
  rows: u32,
  start: u32,
  ld: u32,
}

@group(0) @binding(0) var<storage, read_write> matrix: array<vec4f>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(8, 8)
fn mirror_within(@builtin(global_invocation_id) at: vec3u) {
  let r = at.x;
  let c = at.y;
  if (r * 4u >= params.rows || c > r) {
    return;
  }
  let corner = c * 4u * params.ld + params.start + r;
  let upper = mat4x4f(
    matrix[corner],
    matrix[corner + params.ld],
    matrix[corner + 2u * params.ld],
    matrix[corner + 3u * params.ld],
  );
  let turned = transpose(upper);
  let place = r * 4u * params.ld + params.start + c;
  // Stores of both cases in one place each: lavapipe compiles a fourth faster than with a branch.
  let below = c < r;
  matrix[place] = select(upper[0], turned[0], below);
  matrix[place + params.ld] = select(vec4f(turned[1].x, upper[1].yzw), turned[1], below);
  matrix[place + 2u * params.ld] = select(vec4f(turned[2].xy, upper[2].zw), turned[2], below);
  matrix[place + 3u * params.ld] = select(vec4f(turned[3].xyz, upper[3].w), turned[3], below);
}
