// The tests of the tests: each kernel is broken on purpose, in memory, in the ways kernels break (one off, wrong sign, a
// guard missing, an index transposed), and the check that passes on the real shader must fail on the broken one.

import { describe, expect, test } from 'vitest';
import { useEngine, withShaders } from '../helpers';
import { SABOTAGES } from '../sabotages';
import { shaderObstacle } from '../sabotages/sabotage';

const bound = useEngine();

for (const [name, list] of Object.entries(SABOTAGES)) {
  describe(`${name}, broken`, () => {
    test.for(list)('$what', async ({ from, to, check }, { skip }) => {
      const obstacle = shaderObstacle(bound.gpu, name);
      if (obstacle !== undefined) skip(obstacle);
      let changed = false;
      using broken = withShaders(bound.gpu, (shader) => {
        if (shader.name !== name) return shader.code;
        const code = shader.code.replace(from, to);
        changed ||= code !== shader.code;
        return code;
      });
      const error = await check(broken).then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      // The text to break moved: adapt it here.
      expect(changed, `${name}.wgsl does not contain ${String(from)}`).toBe(true);
      expect(error, 'the broken shader passed').toBeInstanceOf(Error);
      // Found by its results, not because it no longer compiles.
      expect(`${error!.name}: ${error!.message}`).not.toMatch(/did not compile|GpuValidationError/);
    });
  });
}

test('the checks pass on the shaders as they are, through the same path', async () => {
  using same = withShaders(bound.gpu, (shader) => shader.code);
  for (const [name, [first]] of Object.entries(SABOTAGES)) {
    if (shaderObstacle(bound.gpu, name) !== undefined) continue;
    await first!.check(same);
  }
});
