/** What makes a shell ask tskubectl for the words that may stand next. Pure. */
const bash = `# bash completion for tskubectl: source <(tskubectl completion bash)
_tskubectl() {
  local IFS=$'\\n'
  COMPREPLY=($(tskubectl completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  # A slash or an equals sign begins what goes on.
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} =~ [/=]$ ]] && compopt -o nospace
}
complete -o default -F _tskubectl tskubectl
`;

const zsh = `#compdef tskubectl
# zsh completion for tskubectl: source <(tskubectl completion zsh)
_tskubectl() {
  local -a found
  found=("\${(@f)$(tskubectl completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then compadd -- "\${found[@]}"; else _files; fi
}
compdef _tskubectl tskubectl
`;

const fish = `# fish completion for tskubectl: tskubectl completion fish | source
function __tskubectl_words
  set -l words (commandline -opc) (commandline -ct)
  tskubectl completion words -- $words[2..-1] 2>/dev/null
end
complete -c tskubectl -a '(__tskubectl_words)'
`;

export const completionScripts: Readonly<Record<string, string>> = { bash, zsh, fish };
