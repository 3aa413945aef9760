import { useEffect, useRef } from 'preact/hooks';
import { announcement, dismiss, notice } from '../notices';

/** What is wrong, and what to do about it; read out at once. */
export function NoticeBar() {
  const { value } = notice;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (value) place.current?.scrollIntoView({ block: 'nearest' });
  }, [value]);
  return (
    <>
      <div class="notice-place" role="alert">
        {value ? (
          <div class="notice" ref={place}>
            <div>
              <strong>{value.title}</strong>
              {value.text ? <p class="notice-text">{value.text}</p> : null}
              {value.remedy ? <p>{value.remedy}</p> : null}
            </div>
            <div class="row">
              {value.action ? (
                <button type="button" onClick={value.action.run}>
                  {value.action.label}
                </button>
              ) : null}
              <button type="button" class="quiet" onClick={dismiss}>
                Dismiss
              </button>
            </div>
          </div>
        ) : null}
      </div>
      <p class="unseen" role="status">
        {announcement.value}
      </p>
    </>
  );
}
