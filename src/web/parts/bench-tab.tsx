export function BenchTab() {
  return <h1>Benchmark</h1>;
}
