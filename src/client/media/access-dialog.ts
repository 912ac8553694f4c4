/** Access that takes longer than this has most likely a dialog open: browsers do not say. */
const DIALOG_MS = 2_000;

/** Waits for `access`, and tells of the dialog in which the user is most likely asked for it. */
export async function tellingOfDialog<T>(
  access: Promise<T>,
  tell: (event: 'accessDialogOpened' | 'accessDialogClosed') => void,
): Promise<T> {
  let isTold = false;
  const timer = setTimeout(() => {
    isTold = true;
    tell('accessDialogOpened');
  }, DIALOG_MS);
  try {
    return await access;
  } finally {
    clearTimeout(timer);
    if (isTold) tell('accessDialogClosed');
  }
}
