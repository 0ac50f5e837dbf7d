// Says on the page when a passkey was cancelled or cannot be used at this address.
document.addEventListener("allauth.error", (event) => {
  const note = document.getElementById("passkey-refused");
  if (!note) return;
  event.preventDefault();
  note.hidden = false;
  note.scrollIntoView({ block: "center" });
});
