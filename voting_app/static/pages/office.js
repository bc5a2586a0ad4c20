// @ts-check
/** What makes the office's forms shorter where JavaScript runs; without it the pages do the same with more typing. */

/** A new office's first election: closing times are most likely meant by the clock of who types them. */
function chooseOwnTimeZone() {
  const select = document.querySelector("select[data-own]");
  if (!(select instanceof HTMLSelectElement)) return;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...select.options].some((option) => option.value === own)) select.value = own;
}

/** A link that was made for somebody else is too long to be selected with a finger. */
function offerCopies() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!(button instanceof HTMLButtonElement)) continue;
    const source = document.getElementById(button.dataset.copy ?? "");
    const told = button.nextElementSibling;
    if (source === null || told === null || navigator.clipboard === undefined) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(source.textContent ?? "").then(
        () => (told.textContent = button.dataset.copied ?? ""),
        () => (told.textContent = button.dataset.refused ?? ""),
      );
    });
  }
}

chooseOwnTimeZone();
offerCopies();
