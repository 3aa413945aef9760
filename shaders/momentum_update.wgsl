// momentum_update: one step of gradient descent with momentum on weights and biases
//
// Computes   g = a[j] ((1 - slope) sum_p gradient[p, c, j] + slope sum_p total[p, c]);  v = momentum v + g;  w = w - lr v
//            with lr from the plateau state (torch.optim.SGD: no dampening, no decay)
// Shapes     d inputs, m width; element e = c m + j of (d + 1, m), row d being the biases
// Bindings   0 gradient read        (parts, quads / lanes, words, group, lanes, 4), as weight_gradient_* writes it
//            1 total    read        (parts, quads, 4)
//            2 readout  read        (m) a
//            3 state    read        (8) plateau state; element 0 is the learning rate of this epoch
//            4 velocity read_write  (d + 1, m)
//            5 weights  read_write  (d + 1, m)
//            6 params   uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= (d + 1) m
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      parts ascending; deterministic

struct Params {
  count: u32,
  m: u32,
  words: u32,
  group: u32,
  lanes: u32,
  quads: u32,
  parts: u32,
  slope: f32,
  momentum: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> total: array<f32>;
@group(0) @binding(2) var<storage, read> readout: array<f32>;
@group(0) @binding(3) var<storage, read> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> velocity: array<f32>;
@group(0) @binding(5) var<storage, read_write> weights: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn momentum_update(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let e = (group.y * groups.x + group.x) * 64u + lane;
  if (e >= params.count) {
    return;
  }
  let c = e / params.m;
  let j = e % params.m;
  let quad = c / 4u;
  let tile = quad / params.lanes;
  let tiles = params.quads / params.lanes;
  var masked = 0.0;
  var whole = 0.0;
  for (var p = 0u; p < params.parts; p++) {
    let row = ((p * tiles + tile) * params.words + j / params.group) * params.group + j % params.group;
    masked += gradient[(row * params.lanes + quad % params.lanes) * 4u + c % 4u];
    whole += total[p * params.quads * 4u + c];
  }
  let v = params.momentum * velocity[e] + readout[j] * ((1.0 - params.slope) * masked + params.slope * whole);
  velocity[e] = v;
  weights[e] -= state[0] * v;
}
