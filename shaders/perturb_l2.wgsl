// perturb_l2: adversarial perturbation of Euclidean length eps
//
// Computes   r[i] = eps t[i] g[i] / |g[i]|, g = df/dx; a zero gradient gives zero. This is -eps (dloss/dx) / |dloss/dx| for
//            every loss that falls with the margin: only the sign -t of dloss/df matters, so nothing can underflow. And
//            c[i] = eps t[i] / |g[i]|, 0 for a zero gradient: r[i] = c[i] g[i]. (Infinite where |g| < eps / 3.4e38.)
// Shapes     n samples of the block, rows of quads vec4 whose padding is zero; t and c over all samples from params.start
// Bindings   0 targets     read        (all samples) -1 or +1
//            1 gradient    read_write  (n, quads) as vec4: df/dx in, r out
//            2 coefficient read_write  (all samples) c out
//            3 params      uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= n
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      columns ascending in four interleaved sums, then x + y + z + w; deterministic
//
// One invocation a row, on every adapter: it runs once a run, and the order of the sum is then the same everywhere. The
// row is scaled by its largest entry first, so that a tiny or huge gradient neither underflows nor overflows in its square.

struct Params {
  n: u32,
  quads: u32,
  start: u32,
  size: f32,
}

@group(0) @binding(0) var<storage, read> targets: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> coefficient: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn perturb_l2(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= params.n) {
    return;
  }
  let first = i * params.quads;
  var largest = vec4f(0.0);
  for (var q = 0u; q < params.quads; q++) {
    largest = max(largest, abs(gradient[first + q]));
  }
  let most = max(max(largest.x, largest.y), max(largest.z, largest.w));
  var factor = 0.0;
  if (most > 0.0) {
    var squares = vec4f(0.0);
    for (var q = 0u; q < params.quads; q++) {
      let g = gradient[first + q] / most;
      squares += g * g;
    }
    factor = params.size * targets[params.start + i] / sqrt(squares.x + squares.y + squares.z + squares.w);
  }
  coefficient[params.start + i] = select(0.0, factor / most, most > 0.0);
  for (var q = 0u; q < params.quads; q++) {
    gradient[first + q] = select(vec4f(0.0), factor * (gradient[first + q] / most), vec4<bool>(most > 0.0));
  }
}
