// Shows moments in the reader's own time zone; without scripts they stand there in UTC.

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function localise() {
  for (const element of document.querySelectorAll("time[datetime]:not([title])")) {
    const moment = new Date(element.dateTime);
    element.title = element.textContent;
    element.textContent = format.format(moment);
  }
}

document.addEventListener("freshened", localise);
localise();
