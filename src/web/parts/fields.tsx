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

/** A control below its label, and below it what is wrong with what it holds. */
function Labelled({ name, label, hint, width, children }: FieldProps & { readonly children: ComponentChildren }) {
  return (
    <div class={width ? `field ${width}` : 'field'}>
      <label for={idOf(name)} title={hint}>
        {label}
      </label>
      {children}
      <Problem name={name} />
    </div>
  );
}

/** A number typed as text, so that 1e-3 and half-written numbers are possible; the schema judges it. */
export function NumberField(field: FieldProps) {
  const { name } = field;
  const value = valueAt(name);
  return (
    <Labelled {...field}>
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
    </Labelled>
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

export function SelectField({ options, onChoose, value, ...field }: SelectProps) {
  const { name } = field;
  return (
    <Labelled {...field}>
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
    </Labelled>
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
