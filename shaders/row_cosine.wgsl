// row_cosine: cosine between the rows of two matrices
//
// Computes   output[i] = a[i] . b[i] / (|a[i]| |b[i]|); 0 when either row is zero
// Shapes     n rows of quads vec4 whose padding is zero
// Bindings   0 a      read        (n, quads) as vec4
//            1 b      read        (n, quads) as vec4
//            2 output read_write  (n)
//            3 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= n
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      columns ascending in four interleaved sums, then x + y + z + w; deterministic
//
// Rows are scaled by their largest entry first: perturbations of size 1e-30 have a direction too.

struct Params {
  n: u32,
  quads: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn largest(v: vec4f) -> f32 {
  return max(max(v.x, v.y), max(v.z, v.w));
}

fn total(v: vec4f) -> f32 {
  return v.x + v.y + v.z + v.w;
}

@compute @workgroup_size(64)
fn row_cosine(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= params.n) {
    return;
  }
  let first = i * params.quads;
  var most_a = vec4f(0.0);
  var most_b = vec4f(0.0);
  for (var q = 0u; q < params.quads; q++) {
    most_a = max(most_a, abs(a[first + q]));
    most_b = max(most_b, abs(b[first + q]));
  }
  let scale_a = largest(most_a);
  let scale_b = largest(most_b);
  if (scale_a == 0.0 || scale_b == 0.0) {
    output[i] = 0.0;
    return;
  }
  var aa = vec4f(0.0);
  var bb = vec4f(0.0);
  var ab = vec4f(0.0);
  for (var q = 0u; q < params.quads; q++) {
    let u = a[first + q] / scale_a;
    let v = b[first + q] / scale_b;
    aa += u * u;
    bb += v * v;
    ab += u * v;
  }
  output[i] = total(ab) / (sqrt(total(aa)) * sqrt(total(bb)));
}
