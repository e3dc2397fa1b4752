"""Lists for a CRM: who of which segment may be written to, and who is held out to see what the campaign does.

`consent` reads who agreed, `choice` decides on everybody, `output` writes the files.
"""
