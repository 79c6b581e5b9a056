"""The machine this program runs on, as a user without rights can observe it: read, saved, loaded.

One reader for each observation: `files` reads what the kernel shows as files below a root folder,
`system_calls` asks by system calls; `collect` gathers both into one `HostReadings`, `privacy` takes
out what is nobody's business, `bundle` writes and reads them, `evidence` says what they show.
"""
