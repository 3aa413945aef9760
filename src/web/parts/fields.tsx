// Form fields bound to dotted configuration keys.

import type { ComponentChildren } from 'preact';
import { edit, problemAt, unset, valueAt } from '../setup';

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** Of the row; half of it where nothing is said. */
  readonly width?: 'third' | 'quarter' | 'whole';
}

const classOf = (width: FieldProps['width']) => (width ? `field ${width}` : 'field');
const idOf = (name: string) => `field-${name.replaceAll('.', '-')}`;

function Problem({ name }: { readonly name: string }) {
  const problem = problemAt(name);
  if (!problem) return null;
  return (
    <p class="field-problem" id={`${idOf(name)}-problem`}>
      {problem.message.replace(`${name} must be`, 'Must be')}
    </p>
  );
}

const describe = (name: string) =>
  problemAt(name) ? ({ 'aria-invalid': true, 'aria-describedby': `${idOf(name)}-problem` } as const) : {};

/** A number typed as text, so that 1e-3 and half-written numbers are possible; the schema judges it. */
export function NumberField({ name, label, hint, width }: FieldProps) {
  const value = valueAt(name);
  return (
    <div class={classOf(width)}>
      <label for={idOf(name)} title={hint}>
        {label}
      </label>
      <input
        id={idOf(name)}
        name={name}
        inputMode="decimal"
        autoComplete="off"
        spellcheck={false}
        value={value === undefined ? '' : String(value)}
        {...describe(name)}
        onInput={({ currentTarget }) => {
          const text = currentTarget.value.trim();
          if (text === '') edit(name, '');
          else edit(name, Number.isNaN(Number(text)) ? text : Number(text));
        }}
        onBlur={({ currentTarget }) => {
          // An emptied field goes back to its default.
          if (currentTarget.value.trim() === '') unset(name);
        }}
      />
      <Problem name={name} />
    </div>
  );
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

interface SelectProps extends FieldProps {
  readonly options: readonly Option[];
  /** When the choice is more than a value. */
  readonly onChoose?: (value: string) => void;
  readonly value?: string;
}

export function SelectField({ name, label, hint, width, options, onChoose, value }: SelectProps) {
  return (
    <div class={classOf(width)}>
      <label for={idOf(name)} title={hint}>
        {label}
      </label>
      <select
        id={idOf(name)}
        name={name}
        value={value ?? String(valueAt(name))}
        {...describe(name)}
        onChange={({ currentTarget }) => (onChoose ?? ((chosen: string) => edit(name, chosen)))(currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <Problem name={name} />
    </div>
  );
}

export function CheckField({
  name,
  label,
  checked,
  disabled = false,
  onToggle,
}: FieldProps & {
  readonly checked?: boolean;
  readonly disabled?: boolean;
  readonly onToggle?: (on: boolean) => void;
}) {
  return (
    <div class="field check">
      <input
        id={idOf(name)}
        name={name}
        type="checkbox"
        checked={checked ?? valueAt(name) === true}
        disabled={disabled}
        onChange={({ currentTarget }) => (onToggle ?? ((on: boolean) => edit(name, on)))(currentTarget.checked)}
      />
      <label for={idOf(name)}>{label}</label>
    </div>
  );
}

/** Fields that belong together, with a name that only screen readers need. */
export function Fields({ legend, children }: { readonly legend: string; readonly children: ComponentChildren }) {
  return (
    <fieldset class="fields">
      <legend class="unseen">{legend}</legend>
      {children}
    </fieldset>
  );
}
