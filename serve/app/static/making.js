// Loads a page anew once it has been made; without scripts, its link does.
const making = document.querySelector("[data-making]");
if (making) {
  const look = async () => {
    const answer = await fetch(making.dataset.making).catch(() => null);
    if (answer?.ok && !(await answer.json()).making) location.reload();
    else setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
}
