import { Command, Option } from 'commander';
import type { ConvertType } from '../../convert/quantize.ts';
import type { Io } from '../io.ts';
import { defaults, outputOptions } from '../options.ts';

interface ConvertFlags {
  out?: string;
  type: ConvertType;
  force?: boolean;
  json?: boolean;
}

export function convertCommand(io: Io): Command {
  const command = new Command('convert')
    .description("Turn Mistral's or Hugging Face's weights into model.gguf and mmproj.gguf, in one streaming pass.")
    .argument('<folder>', 'checkpoint: params.json or config.json, safetensors, tekken.json or tokenizer.json')
    .option('-o, --out <folder>', 'where to write (default: <folder>-<type>)')
    .addOption(
      new Option('-t, --type <type>', 'f32, f16 and bf16 keep the weights; q8_0 halves bf16 and answers alike')
        .choices(['f32', 'f16', 'bf16', 'q8_0'])
        .default(defaults.convertType),
    )
    .option('-f, --force', 'replace files that are there');
  for (const option of outputOptions()) command.addOption(option);
  return command
    .addHelpText('after', '\nExample:\n  pixtral convert ~/pixtral-12b-240910 --type q8_0 --out ~/models/pixtral')
    .action(async (folder: string, flags: ConvertFlags) => {
      const out = flags.out ?? `${folder.replace(/[/\\]+$/, '')}-${flags.type}`;
      const { convertCheckpoint } = await import('../../engine/convert.ts');
      const { byteProgress } = await import('../../output/byte-progress.ts');
      const progress = byteProgress(io.stderr, { quiet: flags.json === true });
      const start = performance.now();
      const { model, mmproj, bytes, notes } = await convertCheckpoint(folder, {
        out,
        type: flags.type,
        force: flags.force === true,
        signal: io.signal,
        onProgress: ({ tensor, doneBytes, totalBytes }) => progress.update({ what: tensor, doneBytes, totalBytes }),
      }).finally(() => progress.stop());
      const seconds = (performance.now() - start) / 1000;
      for (const note of notes) io.stderr.write(`note: ${note}\n`);
      const { jsonLine } = await import('../../output/json.ts');
      io.stdout.write(
        flags.json === true ? jsonLine({ model, mmproj, bytes, seconds, notes }) : `${model}\n${mmproj}\n`,
      );
    });
}
