// A figure to be read from across the room, with its name under it.

export const percent = (share: number): string => (100 * share).toFixed(share === 1 ? 0 : 1);

export interface ReadoutProps {
  readonly id: string;
  readonly name: string;
  readonly value: string | undefined;
  readonly unit?: string;
}

export function Readout({ id, name, value, unit }: ReadoutProps) {
  return (
    <div class="readout" data-readout={id}>
      <span class="readout-name">{name}</span>
      <span class="readout-value">
        {value ?? '–'}
        {unit && value !== undefined ? <span class="unit">{unit}</span> : null}
      </span>
    </div>
  );
}
