// pack_live_subgroup: rows of an operand in panels, as pack_rows, of those steps alone at which a panel is more than background
//
// Computes   of panel p, for the i-th step k at which some of its rows differs from g[k]:
//              output[p, i, q] = (input[k, p R + 4 q + c] - g[k], c = 0..3), 0 past the last row
//              head[p, 1 + i]  = (k, g[k], 0, 0)
//            and head[p, 0] = (how many, 0, 0, 0)
// Shapes     steps k, rows r by quads of 4, where quad q of input[k, r] is the vec4 first + (q / width) panel + q % width +
//            k stride; output (ceil(rows / R), steps, R / 4) as vec4, and behind it head (ceil(rows / R), steps + 1)
// Bindings   0 input      read        as vec4
//            1 background read        g (steps)
//            2 output     read_write  as vec4: a buffer, or texels in rows of 8192
//            3 params     uniform
// Constants  S lanes of a subgroup, exactly; HALF 1 for an input stored as halves; IMAGE 1 for an output of texels
// Dispatch   (x, y, 1) with x y >= ceil(rows / R)
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    every subgroup has S lanes; steps <= 2^24, which a float32 counts
// Order      steps ascending; deterministic
//
// Images have much background: of 64 digits of MNIST, 437 of 784 pixels are more than that in one of them at least.
enable subgroups;

const S = 8u; // @specialised
const HALF = 0u; // @specialised
const IMAGE = 0u; // @specialised

alias Quad = vec4f; // @half vec4h

struct Params {
  steps: u32,
  rows: u32,
  height: u32,
  first: u32,
  width: u32,
  panel: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> background: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>; // @image @group(0) @binding(2) var output: texture_storage_2d<rgba32float, write>;
@group(0) @binding(3) var<uniform> params: Params;

fn store(at: u32, quad: vec4f) {
  output[at] = quad; // @image textureStore(output, vec2u(at % 8192u, at / 8192u), quad);
}

// Quad q of panel p above the background: zero past the last row.
fn above(p: u32, q: u32, k: u32, ground: f32) -> vec4f {
  let row = p * params.height + q;
  if (row >= params.rows) {
    return vec4f(0.0);
  }
  let at = params.first + (row / params.width) * params.panel + row % params.width + k * params.stride;
  return vec4f(input[at]) - ground;
}

@compute @workgroup_size(S)
fn pack_live_subgroup(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let p = group.y * groups.x + group.x;
  let panels = (params.rows + params.height - 1u) / params.height;
  if (p >= panels) {
    return;
  }
  let head = panels * params.steps * params.height + p * (params.steps + 1u);
  var count = 0u;
  for (var k0 = 0u; k0 < params.steps; k0 += S) {
    let k = min(k0 + lane, params.steps - 1u);
    let ground = background[k];
    var live = false;
    for (var q = 0u; q < params.height && k0 + lane < params.steps; q++) {
      live = live || any(above(p, q, k, ground) != vec4f(0.0));
    }
    let place = count + subgroupExclusiveAdd(select(0u, 1u, live));
    count += subgroupAdd(select(0u, 1u, live));
    if (live) {
      for (var q = 0u; q < params.height; q++) {
        store((p * params.steps + place) * params.height + q, above(p, q, k, ground));
      }
      store(head + 1u + place, vec4f(f32(k), ground, 0.0, 0.0));
    }
  }
  if (lane == 0u) {
    store(head, vec4f(f32(count), 0.0, 0.0, 0.0));
  }
}
