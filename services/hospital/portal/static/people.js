/** A code for a password: copied whole for its owner, and taken from the address by them. */

const copy = document.getElementById("copy");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(copy.dataset.copy);
    copy.querySelector("span").textContent = copy.dataset.copied;
  });
}

// What stands behind "#" never reaches a server, nor its log; here it leaves the address too.
const field = document.querySelector("#welcome #code");
const given = decodeURIComponent(location.hash.slice(1));
if (field && /^[0-9A-Za-z-]{10,80}$/.test(given)) {
  field.value = given;
  history.replaceState(null, "", location.pathname);
  document.getElementById("password").focus();
}
