import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { PassThrough, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import { UsageError } from "../../pkg/base/flags.ts";
import { exportArchive } from "../../pkg/images/export-archive.ts";
import { imagesIn, specDefaults } from "../../pkg/kubeadm/cluster-spec.ts";
import { initFileOf, joinFileOf } from "../../pkg/kubeadm/configuration.ts";
import { initDefaults, joinDefaults } from "../../pkg/kubeadm/configuration-defaults.ts";
import { imageSource, wantedImages } from "../../pkg/kubeadm/image-source.ts";
import { provideImages } from "../../pkg/kubeadm/provide-images.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runProgram } from "../wiring/run-program.ts";
import { runCommands, splitList, type Commands } from "../wiring/run-commands.ts";
import { readConfigFile, readConfigFileWarning, warn } from "./config-file.ts";
import { allParts, imageDoors } from "./images.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const printFlags = {
  "component-configs": {
    kind: "list",
    help: "Documents of these too: KubeletConfiguration, KubeProxyConfiguration",
  },
} as const;

const print =
  (name: string, about: string, text: (componentKinds: readonly string[]) => string) =>
  (words: readonly string[]): Promise<void> =>
    runProgram(
      { name: `tsadm config print ${name}`, about },
      printFlags,
      async ({ flags }) => void process.stdout.write(text(splitList(flags["component-configs"]))),
      words,
    );

const validateFlags = {
  config: { kind: "text", help: "The file" },
} as const;

/** Exit code 1 and every mistake, or "ok". */
const validate = (words: readonly string[]): Promise<void> =>
  runProgram(
    { name: "tsadm config validate", about: "says what is wrong with a configuration file" },
    validateFlags,
    async ({ flags: { config } }) => {
      if (config === undefined) throw new UsageError("--config is required");
      const documents = await readConfigFile(config);
      for (const text of documents.idle) warn(text);
      initFileOf(documents, config);
      joinFileOf(documents, config);
      if (documents.mistakes.length > 0) throw new Error(documents.mistakes.join("\n"));
      say("ok");
    },
    words,
  );

const imagesFlags = {
  config: { kind: "text", help: "File with a ClusterConfiguration (v1beta4)" },
  "image-repository": {
    kind: "text",
    help: `Where images are (${specDefaults.imageRepository}: made on this machine)`,
  },
  "data-dir": { kind: "text", help: `The images' store is in it (${specDefaults.dataFolder})` },
  ...logFlags,
} as const;

interface ImagesCall {
  readonly repository: string;
  readonly dataFolder: string;
  readonly args: readonly string[];
  readonly logLevel: string | undefined;
  readonly signal: AbortSignal;
}

const imagesCommand =
  (name: string, about: string, run: (call: ImagesCall) => Promise<void>) =>
  (words: readonly string[]): Promise<void> =>
    runProgram(
      { name: `tsadm config images ${name}`, about },
      imagesFlags,
      async ({ flags: given, args }, signal) => {
        const { config } = given;
        const file = initFileOf(await readConfigFileWarning(config), config ?? "");
        await run({
          repository:
            given["image-repository"] ?? file.imageRepository ?? specDefaults.imageRepository,
          dataFolder: given["data-dir"] ?? specDefaults.dataFolder,
          args,
          logLevel: given["log-level"],
          signal,
        });
      },
      words,
    );

const listImages = async ({ repository }: ImagesCall): Promise<void> => {
  for (const name of Object.values(imagesIn(repository))) say(name);
};

/** Into the store of this machine; those of this machine are made. */
async function pullImages(call: ImagesCall): Promise<void> {
  const { open, wanted, source } = await openStore(call);
  for (const line of await provideImages(source, wanted, open, call.signal)) {
    say(`[config/images] ${line}`);
  }
}

async function openStore({ repository, dataFolder, logLevel }: ImagesCall) {
  const source = imageSource(undefined, repository);
  const open = await imageDoors(dataFolder, systemDoors("tsadm", logLevel ?? "warn"));
  return { source, open, wanted: wantedImages(imagesIn(repository), source, allParts) };
}

/** By the file's name. Level 3 of zstd compresses ten times as fast as gzip, and smaller. */
function compressionOf(file: string): Transform {
  if (/\.t?gz$/.test(file)) return createGzip({ level: 1 });
  if (!file.endsWith(".zst")) return new PassThrough();
  return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
}

/** To a file that is there whole or not at all. */
async function saveImages(call: ImagesCall): Promise<void> {
  const [file] = call.args;
  if (file === undefined) throw new UsageError("say the file: tsadm config images save images.tar");
  const { repository } = call;
  // Under whatever name a cluster wants them, they are made here.
  const source = { from: "this machine" } as const;
  const { open } = await openStore(call);
  const wanted = wantedImages(imagesIn(repository), source, allParts);
  for (const line of await provideImages(source, wanted, open, call.signal)) {
    say(`[config/images] ${line}`);
  }
  const { images } = open;
  const exported = wanted.flatMap(({ name }) => {
    const image = images.get(name);
    return image === undefined ? [] : [{ name, image }];
  });
  const draft = `${file}.new`;
  try {
    await pipeline(exportArchive(images, exported), compressionOf(file), createWriteStream(draft));
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  say(`[config/images] wrote ${file}`);
}

const printCommands: Commands = {
  "init-defaults": {
    about: "what init takes without a file",
    run: print("init-defaults", "prints what init takes without a file", initDefaults),
  },
  "join-defaults": {
    about: "what join takes without a file",
    run: print("join-defaults", "prints what join takes without a file", joinDefaults),
  },
};

const imagesCommands: Commands = {
  list: {
    about: "print their names",
    run: imagesCommand("list", "prints the names of the images that tsadm uses", listImages),
  },
  pull: {
    about: "put them into this machine's store",
    run: imagesCommand("pull", "puts the images into this machine's store", pullImages),
  },
  save: {
    about: "make an archive of them, for init --images and join --images",
    run: imagesCommand(
      "save",
      "save FILE.tar|.tar.gz|.tar.zst: makes the images, and an archive of them for --images",
      saveImages,
    ),
  },
};

const commands: Commands = {
  print: {
    about: "print defaults: init-defaults, join-defaults",
    run: (words) => runCommands("tsadm config print", printCommands, words),
  },
  validate: { about: "say what is wrong with a file", run: validate },
  images: {
    about: "images: list, pull, save",
    run: (words) => runCommands("tsadm config images", imagesCommands, words),
  },
};

export const config = (words: readonly string[]): Promise<void> =>
  runCommands("tsadm config", commands, words);
