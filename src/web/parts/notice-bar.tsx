import { useEffect, useRef } from 'preact/hooks';
import { announcement, dismiss, type Notice, notices, type Subject } from '../notices';

function Told({ subject, notice }: { readonly subject: Subject; readonly notice: Notice }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.scrollIntoView({ block: 'nearest' });
  }, [notice]);
  return (
    <div class="notice" ref={place} data-notice={subject}>
      <div>
        <strong>{notice.title}</strong>
        {notice.text ? <p class="notice-text">{notice.text}</p> : null}
        {notice.remedy ? <p>{notice.remedy}</p> : null}
      </div>
      <div class="row">
        {notice.actions?.map(({ label, run }) => (
          <button type="button" key={label} onClick={run}>
            {label}
          </button>
        ))}
        <button type="button" class="quiet" onClick={() => dismiss(subject)}>
          Dismiss
        </button>
      </div>
    </div>
  );
}

/** What is wrong, and what to do about it; read out at once. */
export function NoticeBar() {
  return (
    <>
      <div class="notice-place" role="alert">
        {[...notices.value].map(([subject, notice]) => (
          <Told key={subject} subject={subject} notice={notice} />
        ))}
      </div>
      <p class="unseen" role="status">
        {announcement.value}
      </p>
    </>
  );
}
