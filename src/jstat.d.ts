/** The part of jStat that is used here; the package has no types. */
declare module 'jstat' {
  const jStat: {
    readonly studentt: {
      /** The quantile at probability `p` of Student's t with `dof` degrees of freedom. */
      inv(p: number, dof: number): number;
    };
  };
  export default jStat;
}
