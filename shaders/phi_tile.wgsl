// phi_tile: Phi of many pairs of samples from their inner products, in place
//
// Computes   tile[k, i] = y[k] Phi(x[k], z[i]), Phi = E[phi'(w.x + c) phi'(w.z + c)] over w ~ N(0, I/d), c ~ N(0, 1):
//            slope + gain (pi - theta), gain = (1 - slope)^2 / (2 pi), theta the angle between (x, sqrt d) and (z, sqrt d)
// Shapes     rows samples of a block (start before it) by columns points; tile rows of ld; samples and points in rows of
//            quads vec4 whose padding is zero; norms are squared lengths over d
// Bindings   0 x       read        (rows, quads) as vec4
//            1 z       read        (columns, quads) as vec4
//            2 x_norms read        (rows)
//            3 z_norms read        (columns)
//            4 labels  read        (all samples) -1 or +1
//            5 tile    read_write  (rows, ld) in: x[k] . z[i]
//            6 params  uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= rows ld
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    squared norms below 1e18, so that their products are finite
// Order      each entry on its own; differences of near pairs column by column in four interleaved sums; deterministic
//
// With a = x.x/d, b = z.z/d, c = x.z/d: cos theta is along 1 + c, sin theta along sqrt((a + b - 2c) + (a b - c^2)), both
// times the same length. The 1 of the bias has cancelled, so short vectors lose nothing. What is left to cancel is
// a + b - 2c = |x - z|^2 / d for pairs near each other; those, and the diagonal, are computed from e = x - z:
// a + b - 2c = e.e/d and a b - c^2 = b e.e/d - (z.e/d)^2. They are rare, so the loop costs little.

// Pairs nearer than this, |x - z|^2 < NEAR (|x|^2 + |z|^2), are computed from their difference.
const NEAR = 0.00390625;

struct Params {
  rows: u32,
  columns: u32,
  ld: u32,
  quads: u32,
  start: u32,
  inverse_d: f32,
  slope: f32,
  gain: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> z: array<vec4f>;
@group(0) @binding(2) var<storage, read> x_norms: array<f32>;
@group(0) @binding(3) var<storage, read> z_norms: array<f32>;
@group(0) @binding(4) var<storage, read> labels: array<f32>;
@group(0) @binding(5) var<storage, read_write> tile: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

// pi minus the angle of the vector (cosine, sine), sine >= 0: Cephes atanf on [-tan(pi/8), tan(pi/8)], relative error 2e-7.
// Our own, because WGSL allows the built-in atan2 an error of 4096 units in the last place.
fn supplement(cosine: f32, sine: f32) -> f32 {
  let along = abs(cosine);
  let ratio = min(along, sine) / max(along, sine);
  let outer = ratio > 0.41421356;
  let t = select(ratio, (ratio - 1.0) / (ratio + 1.0), outer);
  let q = t * t;
  let series = (((0.0805374449538 * q - 0.138776856032) * q + 0.199777106478) * q - 0.333329491539) * q * t + t;
  let octant = select(series, 0.785398163 + series, outer);
  let quadrant = select(octant, 1.57079633 - octant, sine > along);
  return select(quadrant, 3.14159265 - quadrant, cosine > 0.0);
}

@compute @workgroup_size(64)
fn phi_tile(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let k = at / params.ld;
  let i = at % params.ld;
  if (k >= params.rows || i >= params.columns) {
    return;
  }
  let a = x_norms[k];
  let b = z_norms[i];
  let c = tile[at] * params.inverse_d;
  let apart = (a - c) + (b - c);
  var square = apart + (a * b - c * c);
  if (apart <= NEAR * (a + b)) {
    var ee = vec4f(0.0);
    var ze = vec4f(0.0);
    for (var q = 0u; q < params.quads; q++) {
      let point = z[i * params.quads + q];
      let e = x[k * params.quads + q] - point;
      ee += e * e;
      ze += point * e;
    }
    let gap = params.inverse_d * (ee.x + ee.y + ee.z + ee.w);
    let lean = params.inverse_d * (ze.x + ze.y + ze.z + ze.w);
    square = gap + (gap * b - lean * lean);
  }
  let angle = supplement(1.0 + c, sqrt(max(square, 0.0)));
  tile[at] = labels[params.start + k] * (params.slope + params.gain * angle);
}
