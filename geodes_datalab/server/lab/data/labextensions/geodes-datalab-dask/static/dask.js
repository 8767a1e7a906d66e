// The Dask panel shows the cluster that a notebook opens, without a click.
//
// Written by hand as its neighbour in ../geodes-datalab, for the same reason. The kernel's side is
// geodes_datalab.compute.card: the message that shows a cluster carries the dashboard's address in its
// `transient` part, which no notebook keeps. So only a cluster that was opened now is heard of.
(() => {
  "use strict";
  const NAME = "geodes-datalab-dask";
  const TOLD = "geodes_datalab_dashboard";
  const COMMAND = "dask:populate-dashboard-url";
  let scope;

  // shared NAME: one of the Lab's own libraries.
  const shared = async name => {
    const [one] = Object.values(scope[name] || {});
    if (!one) throw new Error(`JupyterLab shares no ${name}`);
    return (await one.get())();
  };

  const activate = (app, notebooks) => {
    const hear = (_, message) => {
      if (message.header.msg_type !== "display_data") return;
      const url = message.content.transient?.[TOLD];
      if (typeof url === "string" && /^(\/(?!\/)|https?:)/.test(url) && app.commands.hasCommand(COMMAND))
        app.commands.execute(COMMAND, { url });
    };
    const listen = (_, notebook) => notebook.sessionContext.iopubMessage.connect(hear);
    notebooks.forEach(notebook => listen(null, notebook));
    notebooks.widgetAdded.connect(listen);
  };

  const load = async () => {
    const { INotebookTracker } = await shared("@jupyterlab/notebook");
    const plugin = { id: `${NAME}:panel`, autoStart: true, requires: [INotebookTracker], activate };
    return () => ({ __esModule: true, default: plugin });
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: given => {
      scope = given;
    },
    get: load,
  };
})();
