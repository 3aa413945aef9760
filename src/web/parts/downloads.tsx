import { configDownload, type Download, resultDownloads, save } from '../downloads';
import { result } from '../live';
import { config } from '../setup';

/** A menu of files to save. */
export function Downloads() {
  const files: Download[] = [
    ...(config.value ? [configDownload(result.value?.config ?? config.value)] : []),
    ...(result.value ? resultDownloads(result.value) : []),
  ];
  return (
    <details class="menu">
      <summary>Download</summary>
      <ul>
        {files.map((file) => (
          <li key={file.name}>
            <button type="button" class="quiet" onClick={() => void save(file)}>
              <b>{file.name}</b>
              <span>{file.about}</span>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
