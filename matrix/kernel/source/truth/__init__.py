"""Whether a profile says what the kernel's own source says.

`tree` opens a source tree, `anchors` finds what a profile cites in it, `evidence` is what was
recorded of the cited text when a person last read it, `citations` compares the two, `declarations`
compares what the profile declares with what the source can be shown to say.
"""
