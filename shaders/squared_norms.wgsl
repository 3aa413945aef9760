// squared_norms: squared lengths of rows
//
// Computes   output[i] = scale x[i] . x[i]
// Shapes     n rows of quads vec4 whose padding is zero
// Bindings   0 x      read        (n, quads) as vec4
//            1 output read_write  (n)
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= n
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    no square overflows: rows shorter than 1e19
// Order      columns ascending in four interleaved sums, then x + y + z + w; deterministic

struct Params {
  n: u32,
  quads: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn squared_norms(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= params.n) {
    return;
  }
  var squares = vec4f(0.0);
  for (var q = 0u; q < params.quads; q++) {
    let value = x[i * params.quads + q];
    squares += value * value;
  }
  output[i] = params.scale * (squares.x + squares.y + squares.z + squares.w);
}
