// @ts-check
/** What makes the office's forms shorter where JavaScript runs; without it the pages do the same with more typing. */

const KEPT = "steward-office-form";

/** A new office's first election: closing times are most likely meant by the clock of who types them. */
function chooseOwnTimeZone() {
  const select = document.querySelector("select[data-own]");
  if (!(select instanceof HTMLSelectElement)) return;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...select.options].some((option) => option.value === own)) select.value = own;
}

/**
 * What is copied or saved of an element: each code in it on a line, or its text.
 * @param {HTMLElement} source
 */
function readText(source) {
  const codes = [...source.querySelectorAll("code")].map((code) => `${code.textContent}\n`);
  return codes.length > 0 ? codes.join("") : source.textContent;
}

/** What is shown once: the file is made here, so that nobody else has it. */
function offerFiles() {
  for (const link of document.querySelectorAll("a[data-save]")) {
    if (!(link instanceof HTMLAnchorElement)) continue;
    const source = document.getElementById(link.dataset.save ?? "");
    if (source === null) continue;
    link.href = URL.createObjectURL(new Blob([readText(source)], { type: "text/plain;charset=utf-8" }));
    link.hidden = false;
  }
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
      navigator.clipboard.writeText(readText(source)).then(
        () => (told.textContent = button.dataset.copied ?? ""),
        () => (told.textContent = button.dataset.refused ?? ""),
      );
    });
  }
}

/**
 * Keeps the editor's long form in this tab while it is sent, and offers it again if it was lost: a login that has ended
 * meanwhile takes the page away. Every page that shows what came of the form forgets it.
 */
function keepForm() {
  const offer = document.getElementById("kept-form");
  if (!(offer instanceof HTMLElement)) return;
  const form = document.querySelector("input[name=questions]")?.closest("form");
  form?.addEventListener("submit", () => {
    const fields = [...new FormData(form)].filter(([name]) => name !== "csrf_token");
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ path: location.pathname, fields }));
    } catch {
      // Without room it is as without this program.
    }
  });
  if (offer.dataset.state !== "before") sessionStorage.removeItem(KEPT);
  const kept = sessionStorage.getItem(KEPT);
  if (kept === null) return;
  /** @type {{ path: string, fields: [string, string][] }} */
  const { path, fields } = JSON.parse(kept);
  if (path !== location.pathname) return;
  offer.hidden = false;
  offer.querySelector("[data-act=back]")?.addEventListener("click", () => sendAgain(offer, fields));
  offer.querySelector("[data-act=drop]")?.addEventListener("click", () => {
    sessionStorage.removeItem(KEPT);
    offer.hidden = true;
  });
}

/**
 * Shows the form as it was, with the button that only looks: nothing is saved by it.
 * @param {HTMLElement} offer
 * @param {[string, string][]} fields
 */
function sendAgain(offer, fields) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = location.pathname;
  for (const [name, value] of [...fields, ["csrf_token", offer.dataset.token ?? ""], ["do", "look"]]) {
    const field = document.createElement("textarea");
    field.name = name;
    field.value = value;
    form.append(field);
  }
  form.hidden = true;
  document.body.append(form);
  form.submit();
}

chooseOwnTimeZone();
offerCopies();
offerFiles();
keepForm();
