"""Pages that show pictures: data in, HTML out.

A page needs nothing but itself. Its thumbnails are in it, its content security policy forbids
every request, and what comes from outside, such as the names of files, is escaped.
"""

from lookgraph.pages.tiles import Tile, film_page, grid, groups_page, search_page

__all__ = ["Tile", "film_page", "grid", "groups_page", "search_page"]
