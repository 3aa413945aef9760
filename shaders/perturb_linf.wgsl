// perturb_linf: gradient-sign perturbation, largest entry eps
//
// Computes   r[i, c] = eps t[i] sign(g[i, c]), g = df/dx; this is -eps sign(dloss/dx), since the sign of dloss/df is -t
// Shapes     n samples of the block, rows of quads vec4 whose padding is zero; t over all samples from params.start
// Bindings   0 targets  read        (all samples) -1 or +1
//            1 gradient read_write  (n, quads) as vec4: df/dx in, r out
//            2 params   uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= n quads
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      each element on its own; deterministic

struct Params {
  n: u32,
  quads: u32,
  start: u32,
  size: f32,
}

@group(0) @binding(0) var<storage, read> targets: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn perturb_linf(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  if (at < params.n * params.quads) {
    gradient[at] = params.size * targets[params.start + at / params.quads] * sign(gradient[at]);
  }
}
