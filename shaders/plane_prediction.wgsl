// plane_prediction: what the theory says a network computes on points of a plane
//
// Computes   output[p] = scale sum_i Phi(x_i, z_p) (pull[i].x z_p.x + pull[i].y z_p.y), Phi as in phi_tile
// Shapes     n samples by their place (e, f, squared distance from the plane, unused); count points z_p = (e, f, unused, unused)
// Bindings   0 places read        (n) vec4
//            1 pulls  read        (n) vec4: what sample i adds, as a linear function on the plane
//            2 points read        (count) vec4
//            3 output read_write  (count)
//            4 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 256 x y >= count
// Workgroup  (64), four points an invocation; no workgroup memory, no barrier
// Assumes    squared norms over d below 1e18, so that their products are finite
// Order      samples ascending in one invocation; deterministic
//
// Points of a plane need no product over the d inputs: x.z is a product of two numbers each. And nothing cancels: with
// o the squared distance of x from the plane and p its foot, sin^2 theta is (o + |p - z|^2) / d + (o |z|^2 + (p x z)^2) / d^2
// up to the common length, a sum of squares (Lagrange's identity for a b - c^2). Four points to an invocation, because on
// CPU adapters it is the loading of a sample that takes the time.

struct Params {
  n: u32,
  count: u32,
  inverse_d: f32,
  slope: f32,
  gain: f32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> places: array<vec4f>;
@group(0) @binding(1) var<storage, read> pulls: array<vec4f>;
@group(0) @binding(2) var<storage, read> points: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// pi minus the angle of the vector (cosine, sine), sine >= 0: Cephes atanf on [-tan(pi/8), tan(pi/8)], relative error 2e-7.
// Our own, because WGSL allows the built-in atan2 an error of 4096 units in the last place.
fn supplement(cosine: vec4f, sine: vec4f) -> vec4f {
  let along = abs(cosine);
  let ratio = min(along, sine) / max(along, sine);
  let outer = ratio > vec4f(0.41421356);
  let t = select(ratio, (ratio - 1.0) / (ratio + 1.0), outer);
  let q = t * t;
  let series = (((0.0805374449538 * q - 0.138776856032) * q + 0.199777106478) * q - 0.333329491539) * q * t + t;
  let octant = select(series, 0.785398163 + series, outer);
  let quadrant = select(octant, 1.57079633 - octant, sine > along);
  return select(quadrant, 3.14159265 - quadrant, cosine > vec4f(0.0));
}

@compute @workgroup_size(64)
fn plane_prediction(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = 4u * ((group.y * groups.x + group.x) * 64u + lane);
  if (first >= params.count) {
    return;
  }
  // Past the last point it is taken again, and not stored.
  let last = params.count - 1u;
  let z0 = points[first].xy;
  let z1 = points[min(first + 1u, last)].xy;
  let z2 = points[min(first + 2u, last)].xy;
  let z3 = points[min(first + 3u, last)].xy;
  let zx = vec4f(z0.x, z1.x, z2.x, z3.x);
  let zy = vec4f(z0.y, z1.y, z2.y, z3.y);
  let norm = zx * zx + zy * zy;
  var sum = vec4f(0.0);
  for (var i = 0u; i < params.n; i++) {
    let place = places[i];
    let pull = pulls[i].xy;
    let gx = place.x - zx;
    let gy = place.y - zy;
    let cross = place.x * zy - place.y * zx;
    let square = (place.z + (gx * gx + gy * gy)) + params.inverse_d * (place.z * norm + cross * cross);
    let inner = place.x * zx + place.y * zy;
    let angle = supplement(1.0 + params.inverse_d * inner, sqrt(params.inverse_d * square));
    sum += (params.slope + params.gain * angle) * (pull.x * zx + pull.y * zy);
  }
  let values = params.scale * sum;
  for (var j = 0u; j < min(4u, params.count - first); j++) {
    output[first + j] = values[j];
  }
}
