/* What the page does in the browser by itself: the address of what is shown, and copying it. Nothing is asked of anybody. */
(() => {
  // The last one: what a visitor's texts gave lies below what their tab begins with.
  const shown = () => [...document.querySelectorAll("[data-address]")].findLast((one) => one.offsetParent !== null);
  const follow = () => {
    const view = shown();
    if (!view) return;
    const parts = new URLSearchParams(view.dataset.address);
    const theme = new URLSearchParams(location.search).get("__theme");
    if (theme) parts.set("__theme", theme);
    const wanted = parts.size ? `?${parts}` : "";
    if (wanted !== location.search) history.replaceState(history.state, "", location.pathname + wanted);
  };
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; follow(); });
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-address", "style", "class"] });

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Without https a page may not use the clipboard so.
      const box = document.createElement("textarea");
      box.value = text;
      document.body.append(box);
      box.select();
      const done = document.execCommand("copy");
      box.remove();
      return done;
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    follow();
    const done = await copy(location.href);
    button.parentElement.querySelector(".xd-copied").textContent = done ? "Copied." : "Copy it from the address bar.";
  });
})();
