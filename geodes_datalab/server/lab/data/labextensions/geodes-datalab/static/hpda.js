// A second button of the Lab's Dask panel: a cluster on the HPC centre.
//
// The server's side is geodes_datalab.compute.panel.
import { translator } from "./language.js";

const COMMAND = "geodes-datalab:new-hpda-cluster";
const PANEL = "dask-dashboard-launcher";
const PAUSE = 2000; // milliseconds between two looks at a cluster that waits
const HIDDEN = ["environment", "sbatch"]; // options that are no words: for notebooks
const LABELS = { worker_memory: "worker memory (GiB)", walltime: "time limit (HH:MM:SS)", gpus: "GPUs" };
const FRENCH = {
  workers: "workers",
  "worker memory (GiB)": "mémoire par worker (Gio)",
  "time limit (HH:MM:SS)": "durée maximale (HH:MM:SS)",
  GPUs: "GPU",
  any: "au choix",
  "Asking the HPC centre for a cluster": "Demande d'un cluster au centre de calcul",
  Cancel: "Annuler",
  "Give it up; its job is cancelled": "Y renoncer ; son job est annulé",
  "The cluster could not be given up: {reason}": "Impossible de renoncer au cluster : {reason}",
  "the server does not answer": "le serveur ne répond pas",
  "Your server was restarted meanwhile": "Votre serveur a redémarré entre-temps",
  "The cluster on the HPC centre runs": "Le cluster du centre de calcul est en marche",
  "The cluster was given up": "Le cluster est abandonné",
  "No cluster on the HPC centre": "Pas de cluster au centre de calcul",
  "No cluster on the HPC centre: {reason}": "Pas de cluster au centre de calcul : {reason}",
  "Cluster on the HPC centre: {state}": "Cluster au centre de calcul : {state}",
  starting: "démarrage",
  "Launch New Cluster on the HPC Centre": "Lancer un nouveau cluster au centre de calcul",
  HPC: "HPC",
  "Start a Dask cluster on the HPC centre, as Slurm jobs under your account":
    "Démarrer un cluster Dask au centre de calcul, en jobs Slurm sous votre compte",
  Start: "Démarrer",
  "New cluster on the HPC centre": "Nouveau cluster au centre de calcul",
};

const tell = translator(FRENCH);

class Centre {
  constructor(services, settings) {
    this.services = services;
    this.settings = settings;
  }

  async ask(path, method = "GET", content = null) {
    const url = `${this.settings.baseUrl}geodes-datalab/hpda/${path}`;
    const body = content === null ? {} : { body: JSON.stringify(content) };
    const reply = await this.services.ServerConnection.makeRequest(url, { method, ...body }, this.settings);
    const text = await reply.text();
    if (!reply.ok) throw Object.assign(new Error(words(text) || `HTTP ${reply.status}`), { status: reply.status });
    return text ? JSON.parse(text) : null;
  }
}

// words TEXT: message and advice of an error's JSON.
const words = text => {
  try {
    const { message, hint } = JSON.parse(text);
    return [message, hint].filter(Boolean).join(". ");
  } catch {
    return "";
  }
};

const field = (form, name, label, input) => {
  const row = document.createElement("label");
  row.className = "jp-FormGroup-content";
  row.style.cssText = "display: grid; grid-template-columns: 1fr 12em; align-items: center; gap: 1em; margin: 0.4em 0";
  input.style.cssText = "width: 100%; margin: 0; box-sizing: border-box";
  input.name = name;
  input.classList.add("jp-mod-styled");
  row.append(label, input);
  form.append(row);
};

const number = ({ value, min, max, step }) => {
  const input = document.createElement("input");
  Object.assign(input, { type: "number", min: min ?? "", max: max ?? "", step });
  input.value = value;
  return input;
};

const entry = ({ default: value, spec }) => {
  const { type, min, max, options } = spec;
  if (type === "int" || type === "float") return number({ value, min, max, step: type === "int" ? 1 : "any" });
  if (type === "select") {
    const input = document.createElement("select");
    for (const one of options) input.add(new Option(one || tell("any"), one, false, one === value));
    return input;
  }
  const input = document.createElement("input");
  input.value = value;
  return input;
};

// What the dialog shows; getValue is asked when it is accepted.
const makeForm = (Widget, options) => {
  const node = document.createElement("form");
  field(node, "workers", tell("workers"), number({ value: 2, min: 0, step: 1 }));
  const shown = options.filter(one => !HIDDEN.includes(one.field));
  for (const one of shown) field(node, one.field, tell(LABELS[one.field] || one.field.replace("_", " ")), entry(one));
  const form = new Widget({ node });
  form.getValue = () => {
    const told = Object.fromEntries(new FormData(node));
    const typed = one => (["int", "float"].includes(one.spec.type) ? Number(told[one.field]) : told[one.field]);
    const chosen = Object.fromEntries(shown.map(one => [one.field, typed(one)]));
    return { workers: Number(told.workers), options: chosen };
  };
  return form;
};

// follow NUMBER: show what a cluster waits for until it runs, fails, or is given up.
const follow = async (number, centre, Notification, arrived) => {
  const id = Notification.emit(tell("Asking the HPC centre for a cluster"), "in-progress", {
    autoClose: false,
    actions: [{ label: tell("Cancel"), caption: tell("Give it up; its job is cancelled"), callback: () => cancel() }],
  });
  let given = false;
  const cancel = async () => {
    try {
      await centre.ask(`clusters/${number}`, "DELETE");
      given = true;
    } catch (error) {
      Notification.emit(tell("The cluster could not be given up: {reason}", { reason: error.message }), "error", { autoClose: 10000 });
    }
  };
  const say = (message, type, autoClose) => {
    // A notification that was closed by hand cannot be updated; its end is told all the same.
    const end = autoClose === false ? {} : { actions: [] };
    if (!Notification.update({ id, message, type, autoClose, ...end }) && type !== "in-progress")
      Notification.emit(message, type, { autoClose });
  };
  for (;;) {
    let told;
    try {
      told = await centre.ask(`clusters/${number}`);
    } catch (error) {
      told = { state: "starting", text: `${tell("the server does not answer")} (${error.message})` };
      if (error.status === 404) return say(tell("Your server was restarted meanwhile"), "warning", 10000);
    }
    if (told.state === "running") {
      say(tell("The cluster on the HPC centre runs"), "success", 5000);
      return arrived(number);
    }
    if (given || told.state === "cancelled") return say(tell("The cluster was given up"), "warning", 5000);
    if (told.state === "failed") return say(tell("No cluster on the HPC centre: {reason}", { reason: told.text }), "error", 60000);
    say(tell("Cluster on the HPC centre: {state}", { state: told.text || tell("starting") }), "in-progress", false);
    await new Promise(resolve => setTimeout(resolve, PAUSE));
  }
};

const activate = shared => async (app, palette) => {
  const { PageConfig } = await shared("@jupyterlab/coreutils");
  if (PageConfig.getOption("geodesDatalabHpda") !== "true") return;
  const apputils = await shared("@jupyterlab/apputils");
  const { Widget } = await shared("@lumino/widgets");
  const centre = new Centre(await shared("@jupyterlab/services"), app.serviceManager.serverSettings);
  const panel = () => Array.from(app.shell.widgets("left")).find(one => one.id === PANEL);
  const arrived = async number => {
    const manager = panel()?.clusterManager;
    await manager?.refresh();
    manager?.setActiveCluster(number);
  };
  const watch = number => follow(number, centre, apputils.Notification, arrived);

  app.commands.addCommand(COMMAND, {
    label: args => tell(args.isPalette ? "Launch New Cluster on the HPC Centre" : "HPC"),
    caption: () => tell("Start a Dask cluster on the HPC centre, as Slurm jobs under your account"),
    iconClass: args => (args.isPalette ? "" : "jp-AddIcon jp-Icon jp-Icon-16"),
    execute: async () => {
      try {
        const form = makeForm(Widget, await centre.ask("options"));
        const buttons = [apputils.Dialog.cancelButton(), apputils.Dialog.okButton({ label: tell("Start") })];
        const title = tell("New cluster on the HPC centre");
        const answer = await apputils.showDialog({ title, body: form, buttons });
        if (answer.button.accept) watch((await centre.ask("clusters", "POST", answer.value)).id);
      } catch (error) {
        apputils.showErrorMessage(tell("No cluster on the HPC centre"), error.message);
      }
    },
  });
  palette?.addItem({ command: COMMAND, category: "Dask", args: { isPalette: true } });

  // Not awaited: the Lab is restored only when all plugins are active.
  app.restored.then(async () => {
    const toolbar = panel()?.clusterManager.layout.widgets[0];
    toolbar?.addItem(COMMAND, new apputils.CommandToolbarButton({ commands: app.commands, id: COMMAND }));
    for (const { id } of await centre.ask("clusters")) watch(id); // begun before the page was loaded anew
  });
};

export const plugin = async shared => {
  const { ICommandPalette } = await shared("@jupyterlab/apputils");
  return { id: "geodes-datalab:hpda", optional: [ICommandPalette], activate: activate(shared) };
};
