// forward_tiled: hidden layer by tiles in workgroup memory (for GPUs, and any adapter without fixed subgroups)
//
// Computes   h[i, j] = sum_k x[i, k] w[k, j] + w[d, j]; the derivative mask bit of h > 0; and, for each mask word, the
//            partial output sum_{j in word} a[j] phi(h[i, j]), phi(z) = z for z > 0, slope z otherwise. h is not stored.
// Shapes     n samples of the block, d inputs, m width, G = 32 neurons a mask word, words = ceil(m / 32)
// Bindings   0 panels   read        (ceil(n / 32), d, 32) inputs in panels of 32 samples, as vec4
//            1 weights  read        (d, m) weights, k-major
//            2 bias     read        (d + 1, m), row d of which is the bias: in float32 the weights again
//            3 readout  read        (m) a
//            4 mask     read_write  (words, n) bit r of mask[w, i] is h[i, 32 w + r] > 0
//            5 partial  read_write  (words, n) partial outputs
//            6 params   uniform
// Constants  RW neuron quads an invocation, 1 or 2; RX sample quads; HALF 1 for inputs and weights stored as halves
// Dispatch   (ceil(n / (64 RX)), ceil(words / (2 RW)), 1)
// Workgroup  (256); 13 KiB of workgroup memory: operand tiles of 16 x 64 RW and 16 x 64 RX, two tables for the epilogue
// Assumes    nothing
// Order      k ascending, the bias last; neurons by fours, ascending; deterministic
//
// A workgroup makes 64 RX samples x 64 RW neurons (2 RW mask words), an invocation 4 RW x 4 RX of them in squares 64 apart;
// the loop is that of matmul_tiled. The 4 bits that an invocation has of a sample's word meet those of its seven neighbours
// in workgroup memory, 64 samples at a time, so that the tables do not grow with RX.

const RW = 1u; // @specialised
const RX = 1u; // @specialised
const HALF = 0u; // @specialised

alias Quad = vec4f; // @half vec4h
alias Scalar = f32; // @half f16

const STEP = 16u;

struct Params {
  n: u32,
  d: u32,
  m: u32,
  slope: f32,
}

@group(0) @binding(0) var<storage, read> panels: array<Quad>;
@group(0) @binding(1) var<storage, read> weights: array<Scalar>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> readout: array<f32>;
@group(0) @binding(4) var<storage, read_write> mask: array<u32>;
@group(0) @binding(5) var<storage, read_write> partial: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> w_tile: array<Quad, 256 * RW>; // (STEP, 16 RW)
var<workgroup> x_tile: array<Quad, 256 * RX>; // (STEP, 16 RX)
var<workgroup> nibbles: array<u32, 256 * RW>; // (16 RW neuron quads, 16 sample quads), 4 bits a sample
var<workgroup> sums: array<vec4f, 256 * RW>; // (16 RW neuron quads, 16 sample quads)

@compute @workgroup_size(256)
fn forward_tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) at: u32) {
  let n = params.n;
  let d = params.d;
  let m = params.m;
  let across = at % 16u;
  let down = at / 16u;
  // Both operand tiles are loaded as (step, quad): invocation `at` brings quads at % 16, at % 16 + 16 of step at / 16.
  // Samples past the last panel read panel 0 and neurons past m the last one: what they make is not stored.
  var neuron: array<vec4u, RW>;
  var panel: array<u32, RX>;
  // @unroll
  for (var i = 0u; i < RW; i++) {
    neuron[i] = min(vec4u((group.y * RW + i) * 64u + across * 4u) + vec4u(0u, 1u, 2u, 3u), vec4u(m - 1u));
  }
  // @unroll
  for (var j = 0u; j < RX; j++) {
    let sample = (group.x * RX + j) * 64u + across * 4u;
    let inside = select(0u, sample, sample < n);
    panel[j] = (inside / 32u) * d * 8u + (inside % 32u) / 4u;
  }

  var acc: array<vec4f, 4 * RW * RX>;
  var left: array<Quad, RW>;
  var right: array<Quad, RX>;
  for (var k0 = 0u; k0 < d + STEP; k0 += STEP) {
    // The tile before this one, which is in registers, goes to workgroup memory; then this one is asked for.
    if (k0 > 0u) {
      // @unroll
      for (var i = 0u; i < RW; i++) {
        w_tile[(down * RW + i) * 16u + across] = left[i];
      }
      // @unroll
      for (var j = 0u; j < RX; j++) {
        x_tile[(down * RX + j) * 16u + across] = right[j];
      }
    }
    workgroupBarrier();
    let k = k0 + down;
    if (k < d) {
      // @unroll
      for (var i = 0u; i < RW; i++) {
        let along = neuron[i] + vec4u(k * m);
        left[i] = Quad(weights[along.x], weights[along.y], weights[along.z], weights[along.w]);
      }
      // @unroll
      for (var j = 0u; j < RX; j++) {
        right[j] = panels[panel[j] + k * 8u];
      }
    } else {
      // @unroll
      for (var i = 0u; i < RW; i++) {
        left[i] = Quad();
      }
      // @unroll
      for (var j = 0u; j < RX; j++) {
        right[j] = Quad();
      }
    }
    if (k0 > 0u) {
      for (var step = 0u; step < STEP; step++) {
        var x: array<vec4f, RX>;
        // @unroll
        for (var j = 0u; j < RX; j++) {
          x[j] = vec4f(x_tile[(step * RX + j) * 16u + across]);
        }
        // @unroll
        for (var i = 0u; i < RW; i++) {
          let w = vec4f(w_tile[(step * RW + i) * 16u + down]);
          // @unroll
          for (var r = 0u; r < 4u; r++) {
            // @unroll
            for (var j = 0u; j < RX; j++) {
              acc[(i * 4u + r) * RX + j] += w[r] * x[j];
            }
          }
        }
      }
    }
    workgroupBarrier();
  }

  // @unroll
  for (var j = 0u; j < RX; j++) {
    // @unroll
    for (var i = 0u; i < RW; i++) {
      var bits = vec4u(0u);
      var output = vec4f(0.0);
      // @unroll
      for (var r = 0u; r < 4u; r++) {
        let unit = (group.y * RW + i) * 64u + down * 4u + r;
        if (unit < m) {
          let h = acc[(i * 4u + r) * RX + j] + bias[d * m + unit];
          let positive = h > vec4f(0.0);
          bits |= select(vec4u(0u), vec4u(1u << r), positive);
          output += readout[unit] * select(params.slope * h, h, positive);
        }
      }
      nibbles[(i * 16u + down) * 16u + across] = bits.x | (bits.y << 4u) | (bits.z << 8u) | (bits.w << 12u);
      sums[(i * 16u + down) * 16u + across] = output;
    }
    workgroupBarrier();
    // An invocation for each of 2 RW words and 16 quads of samples.
    if (at < 32u * RW) {
      let word = group.y * 2u * RW + at / 16u;
      let first = (group.x * RX + j) * 64u + across * 4u;
      var whole = vec4u(0u);
      var total = vec4f(0.0);
      for (var q = 0u; q < 8u; q++) {
        let source = ((at / 16u) * 8u + q) * 16u + across;
        let four = (vec4u(nibbles[source]) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u);
        whole |= four << vec4u(4u * q);
        total += sums[source];
      }
      if (word * 32u < m) {
        for (var c = 0u; c < 4u; c++) {
          if (first + c < n) {
            mask[word * n + first + c] = whole[c];
            partial[word * n + first + c] = total[c];
          }
        }
      }
    }
    workgroupBarrier();
  }
}
