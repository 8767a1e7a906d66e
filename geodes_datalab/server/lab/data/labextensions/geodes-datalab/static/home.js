// How full the home is, in the Lab's status bar; a click measures anew.
//
// The server's side is geodes_datalab.server.home_usage.
const NAME = "geodes-datalab-home";
const PAUSE = 60000; // milliseconds between two questions
const SOON = 5000; // while files are measured
const COLOURS = { high: "var(--jp-warn-color1)", full: "var(--jp-error-color1)" };

const gigabytes = bytes => `${(bytes / 1e9).toFixed(1)} GB`;

// title TOLD: what stands in the hint.
const title = told => {
  const lines = ["Space that your files take. Click to measure anew."];
  if (told.measured) lines.push(`Measured: ${new Date(told.measured).toLocaleString()}`);
  if (told.free !== null) lines.push(`Free on the volume: ${gigabytes(told.free)}`);
  if (told.level === "full") lines.push("Your home is full: delete files, or ask for more.");
  else if (told.level === "high") lines.push("Your home is nearly full.");
  return lines.join("\n");
};

const activate = shared => async (app, statusBar) => {
  const { PageConfig } = await shared("@jupyterlab/coreutils");
  if (PageConfig.getOption("geodesDatalabHome") !== "true") return;
  const { Widget } = await shared("@lumino/widgets");
  const { ServerConnection } = await shared("@jupyterlab/services");
  const settings = app.serviceManager.serverSettings;
  const url = `${settings.baseUrl}geodes-datalab/home?no_track_activity=1`;

  const node = document.createElement("button");
  node.className = "geodes-datalab-home";
  node.style.cssText = "background: none; border: none; font: inherit; color: inherit; cursor: pointer; padding: 0 4px";
  const item = new Widget({ node });

  const show = told => {
    node.textContent = `Home: ${told.text}`;
    node.title = title(told);
    node.dataset.level = told.level;
    node.style.color = COLOURS[told.level] || "inherit";
  };
  let timer;
  const ask = async (method = "GET") => {
    clearTimeout(timer);
    let pause = PAUSE;
    try {
      if (method === "POST" || !document.hidden) {
        const reply = await ServerConnection.makeRequest(url, { method }, settings);
        if (reply.ok) {
          const told = await reply.json();
          show(told);
          if (told.measuring) pause = SOON;
        }
      }
    } catch {
      // The server comes and goes; the next question will tell.
    }
    timer = setTimeout(ask, pause);
  };
  node.addEventListener("click", () => ask("POST"));
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  statusBar.registerStatusItem(NAME, { item, align: "right", rank: 200 });
  app.restored.then(() => ask());
};

export const plugin = async shared => {
  const { IStatusBar } = await shared("@jupyterlab/statusbar");
  return { id: "geodes-datalab-home:usage", requires: [IStatusBar], activate: activate(shared) };
};
