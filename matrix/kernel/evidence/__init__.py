"""What people hold of a machine: boot logs, lscpu, /proc files, facts of tools, folders of these.

One reader a form, each with the texts that it recognises; `forms` finds the reader of a text,
`collected` opens files, folders and archives, `union` makes one machine of all that was found.
Nothing is guessed: what no line says stays unread.
"""
