// label_sums: what all samples of each class together give to Q = K S
//
// Computes   with s a label vector -y / n: row 0 of the output is the sum of s_k K[k, :] over s_k < 0, row 1 over s_k > 0
// Shapes     a piece of K with `rows` rows of `quads`, the first of which is row `start` of K
// Bindings   0 kernel  read        (rows, quads) as vec4: a buffer, or texels (quad, row)
//            1 sources read_write  (label vectors and sums, quads) as vec4: s is row `vector`, the output begins at row `output`
//            2 params  uniform
// Constants  IMAGE 1 for K of texels
// Dispatch   (x, y, 1) with 64 x y >= quads
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    start is a multiple of 4
// Order      what the output holds if accumulate is 1, then k ascending, in one invocation; deterministic, and the same in
//            however many pieces K comes

const IMAGE = 0u; // @specialised

struct Params {
  quads: u32,
  start: u32,
  rows: u32,
  vector: u32,
  output: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> kernel: array<vec4f>; // @image @group(0) @binding(0) var kernel: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var<storage, read_write> sources: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

fn quad_of_kernel(row: u32, quad: u32) -> vec4f {
  return kernel[row * params.quads + quad]; // @image return textureLoad(kernel, vec2u(quad, row));
}

@compute @workgroup_size(64)
fn label_sums(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let q = (group.y * groups.x + group.x) * 64u + lane;
  if (q >= params.quads) {
    return;
  }
  let at = params.output * params.quads + q;
  var negative = vec4f(0.0);
  var positive = vec4f(0.0);
  if (params.accumulate == 1u) {
    negative = sources[at];
    positive = sources[at + params.quads];
  }
  for (var k = 0u; k < params.rows; k++) {
    let s = sources[params.vector * params.quads + (params.start + k) / 4u][k % 4u];
    let row = quad_of_kernel(k, q);
    negative += min(s, 0.0) * row;
    positive += max(s, 0.0) * row;
  }
  sources[at] = negative;
  sources[at + params.quads] = positive;
}
