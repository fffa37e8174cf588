// The files that were chosen or dropped, with their paths: `{ path, file }`.

// Of an input: files, or those of a folder, which have their path from it on.
export function filesOf(input) {
  return [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

// A folder answers its entries in parts, until a part is empty.
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function collect(entry, path, found) {
  if (entry.isFile) {
    found.push({ path, file: await fileOf(entry) });
    return;
  }
  for (const inner of await entriesOf(entry)) await collect(inner, `${path}/${inner.name}`, found);
}

// Of a drop: files, and folders with all that is in them.
export async function filesDropped(transfer) {
  // Entries have to be asked for before the first wait: the browser forgets them then.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ path: file.name, file }));
  const found = [];
  for (const entry of entries) await collect(entry, entry.name, found);
  return found;
}
